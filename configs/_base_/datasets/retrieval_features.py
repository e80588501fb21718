# Retrieval on stored frame features: 16 frames at 1 to 3 a second of 30; texts are cut
# to the room that 4 + 4 learned vectors leave. Experiments say data_root and files.
dataset_type = 'CaptionDataset'
num_frames = 16
gaps = (10, 15, 30)
tokenize = dict(type='TokenizeQuery', context_length=77 - 8)
pack = dict(
    type='mmaction.PackActionInputs',
    collect_keys=('video', 'frame_gap', 'token_ids'),
    meta_keys=('video_id', 'query_id', 'query'),
)
train_pipeline = [
    dict(type='DrawStoredFrames', num_frames=num_frames, gaps=gaps),
    tokenize,
    pack,
]
test_pipeline = [
    dict(type='DrawStoredFrames', num_frames=num_frames, gaps=gaps, num_draws=5),
    tokenize,
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
val_evaluator = dict(type='VideoTextRetrievalMetric')
test_evaluator = val_evaluator
