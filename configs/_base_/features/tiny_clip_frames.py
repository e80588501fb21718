# The tiny CLIP's frames of MovingShapes, one vector a frame, 4 frames a second.
# tools/extract_features.py makes stores with it.
fps = 4.0
feature_extractor = dict(
    frame_size=64,
    vision_tower=dict(type='CLIPVisionTower', model='tiny-clip', pretrained='shipped'),
)
