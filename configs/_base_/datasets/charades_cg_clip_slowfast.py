# Charades-CG with SlowFast and CLIP features of 1 s clips.
_base_ = './charades_cg.py'

# of these the features are joined, in this order, and cut to the shortest
data_prefix = dict(
    slowfast='slowfast_features', clip='clip_features', query='clip_text_features'
)
file_names = dict(
    slowfast='{video_id}.npz', clip='{video_id}.npz', query='{query_id}.npz'
)
streams = dict(
    video=None,
    slowfast=dict(row_shape=(2304,)),
    clip=dict(row_shape=(512,)),
    query=dict(row_shape=(512,)),
)
load_features = dict(
    type='LoadStoredFeatures',
    normalize=['slowfast', 'clip', 'query'],
    temporal_endpoints=True,
    max_words=32,
)
train_pipeline = [
    load_features,
    dict(type='CleanMoments'),
    dict(type='SaliencyTarget'),
    dict(type='PackGroundingInputs'),
]
test_pipeline = [load_features, dict(type='PackGroundingInputs')]
features = dict(data_prefix=data_prefix, file_names=file_names, streams=streams)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **features))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **features))
test_dataloader = val_dataloader
