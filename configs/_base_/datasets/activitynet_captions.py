# ActivityNet Captions: one moment a query, 2 s clips. val_1 is for choosing, val_2 for
# the results that papers give. A few windows end past the video.
dataset_type = 'GroundingDataset'
data_root = '{{$MMVTG_DATA:data}}/activitynet_captions/'
fps = 0.5

data_prefix = dict(video='clip_b32_vid_k4', query='clip_b32_txt_k4', raw='videos')
train_pipeline = [
    dict(type='LoadStoredFeatures'),
    dict(type='CleanMoments'),
    dict(type='SaliencyTarget'),
    dict(type='PackGroundingInputs'),
]
test_pipeline = [dict(type='LoadStoredFeatures'), dict(type='PackGroundingInputs')]

train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        ann_file='train.jsonl',
        data_root=data_root,
        data_prefix=data_prefix,
        fps=fps,
        min_duration=5,
        bad_windows='clean',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        ann_file='val_1.jsonl',
        data_root=data_root,
        data_prefix=data_prefix,
        fps=fps,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        ann_file='val_2.jsonl',
        data_root=data_root,
        data_prefix=data_prefix,
        fps=fps,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)

val_evaluator = dict(type='MomentRetrievalMetric', protocol='retrieval')
test_evaluator = val_evaluator
