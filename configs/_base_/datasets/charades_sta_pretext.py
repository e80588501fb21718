# Charades-STA for the pretext tasks of ActPrompt: moments and queries, 1 s clips, a
# tenth of the queries an epoch. Frames are decoded; stored ones spare that: data_prefix
# frames= instead of raw=, made with configs/_base_/features/frames.py --fps 1.0
# --cfg-options feature_extractor.frame_size=224 feature_extractor.sampling=middle.
dataset_type = 'MomentPairDataset'
data_root = '{{$MMVTG_DATA:data}}/charades_sta/'
fps = 1.0

data_prefix = dict(raw='videos', motion='slowfast_features')
# of the same clips; SlowFast of another rate: resample=True
streams = dict(motion=dict(row_shape=(2304,)))
file_names = dict(motion='{video_id}.npz')
# the middle frame of a clip, which the features of the grounders show
load_pair = dict(type='LoadMomentPair', max_clips=16, size=224, sampling='middle')
train_pipeline = [
    load_pair,
    dict(type='TokenizeQuery'),
    dict(type='VerbPosition'),
    dict(type='PackMomentPair'),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DisjointSampler', ratio=0.1),
    dataset=dict(
        type=dataset_type,
        ann_file='charades_sta_train_tvr_format.jsonl',
        data_root=data_root,
        data_prefix=data_prefix,
        file_names=file_names,
        streams=streams,
        fps=fps,
        min_duration=5,
        bad_windows='clean',
        pipeline=train_pipeline,
    ),
)
