# CLIP ViT-B/16, one vector a frame, 30 frames a second: what Efficient-Prompt reads.
# tools/extract_features.py makes stores with it.
fps = 30.0
feature_extractor = dict(
    frame_size=224,
    vision_tower=dict(
        type='CLIPVisionTower', model='ViT-B-16-quickgelu', pretrained='openai'
    ),
)
