# QVHighlights with SlowFast, CLIP and PANN features. Endpoints are left to the model:
# QD-DETR appends them to video and to audio.
_base_ = './qvhighlights_clip_slowfast_pann.py'

load_features = dict(
    type='LoadStoredFeatures',
    normalize=['slowfast', 'clip', 'pann', 'query'],
    max_words=32,
)
train_pipeline = [
    load_features,
    dict(type='CleanMoments'),
    dict(type='SaliencyTarget'),
    dict(type='PackGroundingInputs'),
]
test_pipeline = [load_features, dict(type='PackGroundingInputs')]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
