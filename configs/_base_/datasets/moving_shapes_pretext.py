# MovingShapes for the pretext tasks of ActPrompt: moments and queries, 1 s clips, a
# tenth of the queries per epoch. Frames and motion are stored by
# tools/extract_features.py with configs/_base_/features/frames.py and
# configs/_base_/features/tiny_slowfast.py.
dataset_type = 'MomentPairDataset'
data_root = '{{$MMVTG_DATA:data}}/moving_shapes/{{$MOVING_SHAPES:demo}}/'
fps = 1.0

data_prefix = dict(frames='features/frames_64px', motion='features/slowfast')
streams = dict(
    frames=dict(row_shape=(3, 64, 64), manifest=dict(model='frames')),
    motion=dict(row_shape=(96,)),
)
pack = dict(type='PackMomentPair')
train_pipeline = [
    # shorter moments than the paper's setting would give: half of the time
    dict(type='LoadMomentPair', max_clips=4),
    dict(type='TokenizeQuery'),
    dict(type='VerbPosition'),
    pack,
]
# whole moments, and always the same negatives
test_pipeline = [
    dict(type='LoadMomentPair', max_clips=None),
    dict(type='TokenizeQuery'),
    dict(type='VerbPosition'),
    pack,
]
train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DisjointSampler', ratio=0.1),
    dataset=dict(
        type=dataset_type,
        ann_file='qvhighlights/train.jsonl',
        data_root=data_root,
        data_prefix=data_prefix,
        streams=streams,
        fps=fps,
        saliency_clip_length=2.0,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        ann_file='qvhighlights/val.jsonl',
        data_root=data_root,
        data_prefix=data_prefix,
        streams=streams,
        fps=fps,
        saliency_clip_length=2.0,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        ann_file='qvhighlights/test.jsonl',
        data_root=data_root,
        data_prefix=data_prefix,
        streams=streams,
        fps=fps,
        saliency_clip_length=2.0,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)

val_evaluator = dict(type='VideoTextRetrievalMetric')
test_evaluator = val_evaluator
