# One vector a frame and text in the joint space of the tiny CLIP, one frame a second.
feature_extractor = dict(
    fps=1.0,
    frame_size=64,
    vision_tower=dict(type='CLIPVisionTower', model='tiny-clip', pretrained='shipped'),
    text_tower=dict(type='CLIPTextTower', model='tiny-clip', pretrained='shipped'),
)
