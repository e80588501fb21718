# ActivityNet v1.3, CLIP ViT-B/16 (one vector a snippet of 16 frames),
# each video rescaled to 100 snippets. Feature files have the names of published ones.
# Splits: the lists of Efficient-Prompt and STALE, unpacked.
dataset_type = 'ActionDetectionDataset'
data_root = '{{$MMVTG_DATA:data}}/activitynet/'
splits = 'splits'
setting = 'train_75_test_25'
split = 'split_0.list'
data_prefix = dict(video='clip_b16_vid')
file_names = dict(video='v_{video_id}.npy')
streams = dict(video=dict(row_shape=(512,)))
train_pipeline = [
    dict(type='LoadSnippets', num_snippets=100),
    dict(type='PackDetectionInputs'),
]
test_pipeline = train_pipeline

train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='activity_net.v1-3.min.json',
        subset='training',
        classes=f'{splits}/{setting}/ActivityNet/train/{split}',
        unseen=f'{splits}/{setting}/ActivityNet/test/{split}',
        data_prefix=data_prefix,
        file_names=file_names,
        streams=streams,
        pipeline=train_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='activity_net.v1-3.min.json',
        subset='validation',
        classes=f'{splits}/{setting}/ActivityNet/test/{split}',
        data_prefix=data_prefix,
        file_names=file_names,
        streams=streams,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_evaluator = dict(
    type='ActionDetectionMetric',
    thresholds='activitynet',
    proposals=True,
    results_file='detections.json',
)
