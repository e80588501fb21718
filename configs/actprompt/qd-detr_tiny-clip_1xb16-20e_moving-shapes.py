# QD-DETR on MovingShapes over one vector a clip. MMVTG_CLIPS names the folder of
# features: tiny_clip, or what an adapted tower wrote.
_base_ = [
    '../_base_/datasets/moving_shapes_clip.py',
    '../_base_/models/qd_detr_small.py',
    '../_base_/schedules/detr_moving_shapes.py',
    '../_base_/default_runtime.py',
]

model = dict(neck=dict(video_dims=96, inputs=dict(dropout=0.1)))
# cut two thirds down the cosine of the learning rate
train_cfg = dict(max_epochs=20, val_interval=20)
