# YouTube Highlights: which clips are highlights; one model a domain.
# Choose it with the environment variable MMVTG_DOMAIN.
dataset_type = 'GroundingDataset'
data_root = '{{$MMVTG_DATA:data}}/youtube_highlights/'
fps = 'auto'  # one clip an annotated label

data_prefix = dict(video='clip_b32_vid_k4', query='clip_b32_txt_k4', raw='videos')
# the domains: dog, gymnastics, parkour, skating, skiing, surfing
domain = '{{$MMVTG_DOMAIN:dog}}'
file_names = dict(query='{video_id}.npy')
train_pipeline = [
    dict(type='LoadStoredFeatures'),
    dict(type='SaliencyTarget', score_range=(-1, 1), positive_above=0.5),
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
        ann_file='youtube_highlight_train_release.jsonl',
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
        ann_file='youtube_highlight_val_release.jsonl',
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

val_evaluator = dict(type='HighlightMetric', protocol='youtube')
test_evaluator = val_evaluator
