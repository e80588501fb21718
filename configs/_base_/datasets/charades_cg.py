# Charades-CG: Charades-STA split anew, so that words or pairs of words are new in test.
# Choose the split to test on with the environment variable MMVTG_SPLIT: novel_word,
# novel_composition or test_trivial.
dataset_type = 'GroundingDataset'
data_root = '{{$MMVTG_DATA:data}}/charades_cg/'
fps = 1.0

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
        ann_file='{{$MMVTG_SPLIT:novel_word}}.jsonl',
        data_root=data_root,
        data_prefix=data_prefix,
        fps=fps,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='MomentRetrievalMetric', protocol='retrieval')
test_evaluator = val_evaluator
