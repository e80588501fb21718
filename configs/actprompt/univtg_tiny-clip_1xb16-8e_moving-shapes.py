# UniVTG on MovingShapes over one vector a clip. MMVTG_CLIPS names the folder of
# features: tiny_clip, or what an adapted tower wrote.
_base_ = [
    '../_base_/datasets/moving_shapes_clip.py',
    '../_base_/models/univtg.py',
    '../_base_/schedules/detr_moving_shapes.py',
    '../_base_/default_runtime.py',
]

channels = 64
layer = dict(num_heads=4, ffn_channels=256)
model = dict(
    neck=dict(
        video_dims=96,
        query_dims=96,
        channels=channels,
        layer=layer,
        inputs=dict(dropout=0.1, use_tef=True, normalize=True),
    ),
    head=dict(channels=channels, post_processor=dict(unit=2.0)),
)
epochs = 8
train_cfg = dict(max_epochs=epochs, val_interval=epochs)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(
        type='CosineAnnealingLR',
        begin=0,
        T_max=epochs,
        end=epochs,
        eta_min_ratio=0.02,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
