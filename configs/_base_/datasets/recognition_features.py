# Recognition on stored frame features: 16 frames, the training draws anew each epoch,
# a test is the mean of five draws. Experiments say data_root, files and layout.
dataset_type = 'RecognitionDataset'
num_frames = 16
gaps = (1, 2, 3, 4, 5, 6, 10, 15)
pack = dict(
    type='mmaction.PackActionInputs',
    collect_keys=('video', 'frame_gap'),
    meta_keys=('video_id', 'class_name'),
)
train_pipeline = [
    dict(type='DrawStoredFrames', num_frames=num_frames, gaps=gaps),
    pack,
]
test_pipeline = [
    dict(type='DrawStoredFrames', num_frames=num_frames, gaps=gaps, num_draws=5),
    pack,
]
train_dataloader = dict(
    batch_size=64,
    num_workers=2,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DrawSampler', shuffle=True),
    dataset=dict(type=dataset_type, pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type=dataset_type, test_mode=True, pipeline=test_pipeline),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmaction.AccMetric')
test_evaluator = val_evaluator
