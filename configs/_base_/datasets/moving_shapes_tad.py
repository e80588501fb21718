# MovingShapes as a detection set: ten actions, of which a model sees some and is tested
# on the others. CLIP vectors at one frame a second, rescaled to 64 snippets.
dataset_type = 'ActionDetectionDataset'
data_root = '{{$MMVTG_DATA:data}}/moving_shapes/{{$MOVING_SHAPES:demo}}/'
splits = 'activitynet/splits'
setting = 'train_75_test_25'
split = 'split_0.list'
data_prefix = dict(video='features/tiny_clip')
file_names = dict(video='{video_id}.npy')
streams = dict(video=dict(row_shape=(96,)))
train_pipeline = [
    dict(type='LoadSnippets', num_snippets=64),
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
        ann_file='activitynet/moving_shapes_tad.json',
        subset='training',
        classes=f'{splits}/{setting}/train/{split}',
        unseen=f'{splits}/{setting}/test/{split}',
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
        ann_file='activitynet/moving_shapes_tad.json',
        subset='testing',
        classes=f'{splits}/{setting}/test/{split}',
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
