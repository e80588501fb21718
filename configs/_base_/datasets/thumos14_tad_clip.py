# THUMOS14, CLIP ViT-B/16, each video rescaled to 256 snippets as in the paper. Trained
# on the 200 validation videos, tested on the test videos. Each CliffDiving there is a
# Diving, too: the training set warns where a split puts them on different sides.
dataset_type = 'ActionDetectionDataset'
data_root = '{{$MMVTG_DATA:data}}/thumos14/'
splits = 'splits'
setting = 'train_75_test_25'
split = 'split_0.list'
data_prefix = dict(video='clip_b16_vid')
file_names = dict(video='{video_id}.npy')
streams = dict(video=dict(row_shape=(512,)))
train_pipeline = [
    dict(type='LoadSnippets', num_snippets=256),
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
        ann_file='thumos14.json',
        subset='validation',
        classes=f'{splits}/{setting}/THUMOS14/train/{split}',
        unseen=f'{splits}/{setting}/THUMOS14/test/{split}',
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
        ann_file='thumos14.json',
        subset='test',
        classes=f'{splits}/{setting}/THUMOS14/test/{split}',
        data_prefix=data_prefix,
        file_names=file_names,
        streams=streams,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_evaluator = dict(
    type='ActionDetectionMetric',
    thresholds='thumos14',
    proposals=True,
    results_file='detections.json',
)
