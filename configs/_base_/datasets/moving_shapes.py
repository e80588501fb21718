# MovingShapes: moments and highlights in a procedural world, 1 s clips; annotations on
# QVHighlights' 2 s grid. Make it with tools/dataset_converters/moving_shapes.py.
dataset_type = 'GroundingDataset'
data_root = '{{$MMVTG_DATA:data}}/moving_shapes/{{$MOVING_SHAPES:demo}}/'
fps = 1.0
window = 60.0  # s, longest training video: longer ones are asked in windows

data_prefix = dict(
    video='features/tiny_clip_vid_k4', query='features/tiny_clip_txt_k4', raw='videos'
)
train_pipeline = [
    dict(type='LoadStoredFeatures'),
    dict(type='CleanMoments'),
    dict(type='SaliencyTarget'),
    dict(type='PackGroundingInputs'),
]
test_pipeline = [dict(type='LoadStoredFeatures'), dict(type='PackGroundingInputs')]

train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    # the queries of a video in one batch: what is read of it is read once
    sampler=dict(type='VideoGroupSampler'),
    dataset=dict(
        type=dataset_type,
        ann_file='qvhighlights/train.jsonl',
        data_root=data_root,
        data_prefix=data_prefix,
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
        fps=fps,
        saliency_clip_length=2.0,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
# the other splits, for tools/extract_features.py; to test on one of them: --cfg-options
# test_dataloader.dataset.ann_file=qvhighlights/novel_word.jsonl
extra_ann_files = [
    'qvhighlights/novel_composition.jsonl',
    'qvhighlights/novel_word.jsonl',
]
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
        fps=fps,
        saliency_clip_length=2.0,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)

val_evaluator = dict(type='MomentRetrievalMetric', protocol='qvhighlights')
test_evaluator = dict(
    type='MomentRetrievalMetric',
    protocol='qvhighlights',
    submission_file='submission.jsonl',
)
