# UniVTG on MovingShapes over the tiny CLIP: the class token of its last layer.
_base_ = [
    '../_base_/datasets/moving_shapes_class_token.py',
    '../_base_/models/univtg.py',
    '../_base_/schedules/detr_moving_shapes.py',
    '../_base_/default_runtime.py',
]

channels = 64
layer = dict(num_heads=4, ffn_channels=256)
model = dict(
    neck=dict(
        video_dims=128,
        query_dims=96,
        channels=channels,
        layer=layer,
        inputs=dict(dropout=0.1, use_tef=True, normalize=True),
    ),
    head=dict(
        channels=channels,
        post_processor=dict(unit=2.0),
    ),
)
default_hooks = dict(checkpoint=dict(save_best='MR-full-mAP', rule='greater'))
