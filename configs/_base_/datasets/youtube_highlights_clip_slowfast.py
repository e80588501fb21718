# YouTube Highlights with the features of CG-DETR: CLIP first, then SlowFast; words are
# not normalised.
_base_ = './youtube_highlights.py'

data_prefix = dict(
    clip='clip_features', slowfast='slowfast_features', query='clip_text_features'
)
file_names = dict(
    clip='{video_id}.npz', slowfast='{video_id}.npz', query='{video_id}.npz'
)
streams = dict(
    video=None,
    clip=dict(row_shape=(512,)),
    slowfast=dict(row_shape=(2304,)),
    query=dict(row_shape=(512,)),
)
load_features = dict(
    type='LoadStoredFeatures',
    normalize=['clip', 'slowfast'],
    temporal_endpoints=True,
    max_words=100,
)
train_pipeline = [
    load_features,
    dict(type='SaliencyTarget', score_range=(-1, 1), positive_above=0.5),
    dict(type='PackGroundingInputs'),
]
test_pipeline = [load_features, dict(type='PackGroundingInputs')]
features = dict(data_prefix=data_prefix, file_names=file_names, streams=streams)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **features))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **features))
test_dataloader = val_dataloader
