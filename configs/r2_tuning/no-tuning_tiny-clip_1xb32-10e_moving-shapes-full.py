# The same pyramid and heads without the R2 block on MovingShapes `full`.
_base_ = ['./r2-tuning_tiny-clip-k4_1xb32-10e_moving-shapes-full.py']

model = dict(neck=dict(num_steps=1, spatial_pooling=False))
# of the store only what this model looks at
load = dict(type='LoadStoredFeatures', num_layers=1, class_token=True)
train_pipeline = [
    load,
    dict(type='CleanMoments'),
    dict(type='SaliencyTarget'),
    dict(type='PackGroundingInputs'),
]
test_pipeline = [load, dict(type='PackGroundingInputs')]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
