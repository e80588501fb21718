# TVSum with the features of UMT: I3D of frames and of optical flow, which share a norm;
# words are not normalised.
_base_ = './tvsum.py'

data_prefix = dict(rgb='video_features', flow='video_features', query='query_features')
file_names = dict(
    rgb='{video_id}_rgb.npy', flow='{video_id}_opt.npy', query='{video_id}.npz'
)
streams = dict(
    video=None,
    rgb=dict(row_shape=(1024,)),
    flow=dict(row_shape=(1024,)),
    query=dict(row_shape=(512,)),
)
load_features = dict(
    type='LoadStoredFeatures',
    normalize=[('rgb', 'flow')],
    temporal_endpoints=True,
    max_words=100,
)
train_pipeline = [
    load_features,
    dict(type='SaliencyTarget', score_range=(1, 5), positive_above='median'),
    dict(type='PackGroundingInputs'),
]
test_pipeline = [load_features, dict(type='PackGroundingInputs')]
features = dict(data_prefix=data_prefix, file_names=file_names, streams=streams)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **features))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **features))
test_dataloader = val_dataloader
