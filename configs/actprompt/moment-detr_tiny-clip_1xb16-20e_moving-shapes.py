# Moment-DETR on MovingShapes over one vector a clip. MMVTG_CLIPS names the folder of
# features: tiny_clip, or what an adapted tower wrote.
_base_ = [
    '../_base_/datasets/moving_shapes_clip.py',
    '../_base_/models/tiny_clip.py',
    '../_base_/models/moment_detr.py',
    '../_base_/schedules/detr_moving_shapes.py',
    '../_base_/default_runtime.py',
]

channels = 64
# so short a training does not overfit: dropout slows it
layer = dict(num_heads=4, ffn_channels=256, dropout=0.0)
model = dict(
    neck=dict(
        video_dims=96,
        query_dims=96,
        channels=channels,
        layer=layer,
        inputs=dict(dropout=0.0, use_tef=True, normalize=True),
    ),
    head=dict(
        channels=channels,
        decoder=dict(layer=layer),
        post_processor=dict(unit=2.0),
    ),
)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
# cut two thirds down the cosine of the learning rate
train_cfg = dict(max_epochs=20, val_interval=20)
