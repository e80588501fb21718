# The last four layers of the tiny CLIP that comes with mmvtg (configs/tiny_clip).
num_layers = 4
feature_extractor = dict(
    frame_size=64,
    vision_tower=dict(
        type='CLIPVisionTower',
        model='tiny-clip',
        pretrained='shipped',
        hooks=[dict(type='LayerTap', num_layers=num_layers)],
    ),
    text_tower=dict(
        type='CLIPTextTower',
        model='tiny-clip',
        pretrained='shipped',
        hooks=[dict(type='LayerTap', num_layers=num_layers)],
    ),
)
