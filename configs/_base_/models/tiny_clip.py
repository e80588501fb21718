# The tiny CLIP that comes with mmvtg (configs/tiny_clip): one vector a frame in its
# joint space, and the words of its last layer.
feature_extractor = dict(
    frame_size=64,
    vision_tower=dict(type='CLIPVisionTower', model='tiny-clip', pretrained='shipped'),
    text_tower=dict(
        type='CLIPTextTower',
        model='tiny-clip',
        pretrained='shipped',
        hooks=[dict(type='LayerTap', num_layers=1)],
    ),
)
