# The last four layers of OpenAI's CLIP ViT-B/32, all tokens: what R2-Tuning reads.
# `python tools/extract_features.py CONFIG` stores them; the demo runs them on a video.
num_layers = 4
feature_extractor = dict(
    frame_size=224,
    vision_tower=dict(
        type='CLIPVisionTower',
        model='ViT-B-32-quickgelu',
        pretrained='openai',
        hooks=[dict(type='LayerTap', num_layers=num_layers)],
    ),
    text_tower=dict(
        type='CLIPTextTower',
        model='ViT-B-32-quickgelu',
        pretrained='openai',
        hooks=[dict(type='LayerTap', num_layers=num_layers)],
    ),
)
