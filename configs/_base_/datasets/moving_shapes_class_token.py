# MovingShapes for models of one vector a clip: of the store that R²-Tuning reads, the
# class token and the words of the last layer.
_base_ = './moving_shapes.py'

load_features = dict(type='LoadStoredFeatures', num_layers=1, class_token=True)
train_pipeline = [
    load_features,
    dict(type='CleanMoments'),
    dict(type='SaliencyTarget'),
    dict(type='PackGroundingInputs'),
]
test_pipeline = [load_features, dict(type='PackGroundingInputs')]
# negative pairs and contrasts across the batch want queries of different videos
train_dataloader = dict(
    batch_size=16,
    sampler=dict(_delete_=True, type='DefaultSampler', shuffle=True),
    dataset=dict(pipeline=train_pipeline),
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
