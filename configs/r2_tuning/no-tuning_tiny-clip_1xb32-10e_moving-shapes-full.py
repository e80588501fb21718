# The same pyramid and heads without the R2 block on MovingShapes `full`.
_base_ = ['./r2-tuning_tiny-clip-k4_1xb32-10e_moving-shapes-full.py']

model = dict(neck=dict(num_steps=1, spatial_pooling=False))
# of the store only what this model reads
encoding = dict(streams=dict(video=dict(num_layers=1, class_token=True)))
