# QVHighlights with SlowFast, CLIP and PANN audio features, 4864 + 2 wide.
# PANN has a clock of its own: it is stretched to the length of the others.
_base_ = './qvhighlights_clip_slowfast.py'

data_prefix = dict(pann='pann_features')
file_names = dict(pann='{video_id}.npy')
streams = dict(pann=dict(row_shape=(2048,), resample=True))
load_features = dict(
    type='LoadStoredFeatures',
    normalize=['slowfast', 'clip', 'pann', 'query'],
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
