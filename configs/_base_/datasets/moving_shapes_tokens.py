# MovingShapes: queries as tokens for a text tower that learns, batches of whole videos,
# and SlowFast's vectors beside the tokens of the tiny CLIP, which knows no directions.
_base_ = ['./moving_shapes.py', '../features/tiny_clip_motion.py']

data_prefix = dict(
    _delete_=True,
    video='features/tiny_clip_vid_k4',
    motion='features/slowfast',
    raw='videos',
)
# a map takes videos of any length
load_features = dict(type='LoadStoredFeatures', max_clips=100000)
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
train_dataloader = dict(
    batch_size=4,
    sampler=dict(_delete_=True, type='VideoGroupSampler'),
    batch_sampler=dict(type='VideoBatchSampler'),
    dataset=dict(pipeline=train_pipeline, data_prefix=data_prefix),
)
tested = dict(pipeline=test_pipeline, data_prefix=data_prefix)
val_dataloader = dict(batch_size=16, dataset=tested)
test_dataloader = dict(batch_size=16, dataset=tested)
