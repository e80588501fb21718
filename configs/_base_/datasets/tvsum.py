# TVSum: which 2 s clips belong into a summary; one model a domain.
# Choose it with the environment variable MMVTG_DOMAIN.
dataset_type = 'GroundingDataset'
data_root = '{{$MMVTG_DATA:data}}/tvsum/'
fps = 0.5
window = 660.0  # s, about the longest video: longer ones are asked in windows

data_prefix = dict(video='clip_b32_vid_k4', query='clip_b32_txt_k4', raw='videos')
# the domains: BK BT DS FM GA MS PK PR VT VU
domain = '{{$MMVTG_DOMAIN:BK}}'
file_names = dict(query='{video_id}.npy')
train_pipeline = [
    dict(type='LoadStoredFeatures'),
    dict(type='SaliencyTarget', score_range=(1, 5), positive_above='median'),
    dict(type='PackGroundingInputs'),
]
test_pipeline = [dict(type='LoadStoredFeatures'), dict(type='PackGroundingInputs')]

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        ann_file='tvsum_train.jsonl',
        data_root=data_root,
        data_prefix=data_prefix,
        fps=fps,
        domain=domain,
        file_names=file_names,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        ann_file='tvsum_val.jsonl',
        data_root=data_root,
        data_prefix=data_prefix,
        fps=fps,
        domain=domain,
        file_names=file_names,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='HighlightMetric', protocol='tvsum', top_k=5)
test_evaluator = val_evaluator
