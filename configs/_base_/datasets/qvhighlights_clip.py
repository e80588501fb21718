# QVHighlights with the CLIP features of Moment-DETR alone, 512 + 2 wide.
_base_ = './qvhighlights.py'

data_prefix = dict(video='clip_features', query='clip_text_features')
file_names = dict(video='{video_id}.npz', query='qid{query_id}.npz')
streams = dict(
    video=dict(row_shape=(512,), manifest=None),
    query=dict(row_shape=(512,), manifest=None),
)
load_features = dict(
    type='LoadStoredFeatures',
    normalize=['video', 'query'],
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
