# Charades-CG: queries as tokens for a text tower that learns,
# batches of whole videos.
_base_ = ['./charades_cg.py', '../features/clip_b32_class_token.py']

# the best epoch is chosen on held-out training videos, not on a test split
trained_on = 0.95

data_prefix = dict(_delete_=True, video='clip_b32_vid_k4', raw='videos')
# a map takes videos of any length
load_features = dict(type='LoadStoredFeatures', max_clips=100000)
pack = dict(type='PackGroundingInputs', query_key='token_ids')
train_pipeline = [
    load_features,
    dict(type='CleanMoments'),
    dict(type='TokenizeQuery'),
    pack,
]
test_pipeline = [load_features, dict(type='TokenizeQuery'), pack]
train_dataloader = dict(
    batch_size=12,
    sampler=dict(_delete_=True, type='VideoGroupSampler'),
    batch_sampler=dict(type='VideoBatchSampler'),
    dataset=dict(
        data_prefix=data_prefix, share=(0, trained_on), pipeline=train_pipeline
    ),
)
val_dataloader = dict(
    batch_size=16,
    dataset=dict(
        ann_file='train.jsonl',
        share=(trained_on, 1),
        data_prefix=data_prefix,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=16, dataset=dict(data_prefix=data_prefix, pipeline=test_pipeline)
)
