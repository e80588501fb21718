# MovingShapes: queries as tokens for a text tower that learns, batches of whole videos,
# and SlowFast's vectors beside the tokens of the tiny CLIP, which knows no directions.
_base_ = './moving_shapes.py'

data_prefix = dict(
    _delete_=True,
    video='features/tiny_clip_vid_k4',
    motion='features/slowfast',
    raw='videos',
)
streams = dict(video={}, motion=dict(row_shape=(96,)))
# a map takes videos of any length, and reads the class token of the last layer
load_features = dict(
    type='LoadStoredFeatures',
    max_clips=100000,
    num_layers=1,
    class_token=True,
    apart=['motion'],
)
pack = dict(
    type='PackGroundingInputs', query_key='token_ids', motion_key='motion_features'
)
train_pipeline = [
    load_features,
    dict(type='CleanMoments'),
    dict(type='TokenizeQuery'),
    pack,
]
test_pipeline = [load_features, dict(type='TokenizeQuery'), pack]
features = dict(data_prefix=data_prefix, streams=streams)
train_dataloader = dict(
    batch_size=4,
    sampler=dict(_delete_=True, type='VideoGroupSampler'),
    batch_sampler=dict(type='VideoBatchSampler'),
    dataset=dict(pipeline=train_pipeline, **features),
)
val_dataloader = dict(batch_size=16, dataset=dict(pipeline=test_pipeline, **features))
test_dataloader = dict(batch_size=16, dataset=dict(pipeline=test_pipeline, **features))
