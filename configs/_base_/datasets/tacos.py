# TACoS: one moment a query in cooking videos, 2 s clips.
dataset_type = 'GroundingDataset'
data_root = '{{$MMVTG_DATA:data}}/tacos/'
fps = 0.5
window = 1400.0  # s, about the longest video: longer ones are asked in windows

data_prefix = dict(video='clip_b32_vid_k4', query='clip_b32_txt_k4', raw='videos')
# the published features carry the camera in their names
file_names = dict(video='{video_id}-cam-002.npy')
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
        file_names=file_names,
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
        ann_file='test.jsonl',
        data_root=data_root,
        data_prefix=data_prefix,
        fps=fps,
        file_names=file_names,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='MomentRetrievalMetric', protocol='retrieval')
test_evaluator = val_evaluator
