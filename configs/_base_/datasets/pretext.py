# The pretext tasks of ActPrompt: moments and queries, a tenth of the queries per epoch.
# Frames are decoded. Stored frames are faster: data_prefix frames= instead of raw=, and
# a store of configs/_base_/features/frames.py --fps FPS --cfg-options
# encoding.streams.frames.frame_size=224 encoding.streams.frames.sampling=middle
dataset_type = 'MomentPairDataset'

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
        data_prefix=data_prefix,
        file_names=file_names,
        streams=streams,
        min_duration=5,
        pipeline=train_pipeline,
    ),
)
