# ActivityNet v1.3, CLIP ViT-B/16 (one vector a snippet of 16 frames),
# each video rescaled to 100 snippets. Feature files have the names of published ones.
# Splits: the lists of Efficient-Prompt and STALE, unpacked.
_base_ = './tad.py'

splits = 'splits'
setting = 'train_75_test_25'
split = 'split_0.list'
files = dict(
    data_root='{{$MMVTG_DATA:data}}/activitynet/',
    ann_file='activity_net.v1-3.min.json',
    data_prefix=dict(video='clip_b16_vid'),
    file_names=dict(video='v_{video_id}.npy'),
    streams=dict(video=dict(row_shape=(512,))),
    pipeline=[
        dict(type='LoadSnippets', num_snippets=100),
        dict(type='PackDetectionInputs'),
    ],
)
train_dataloader = dict(
    dataset=dict(
        subset='training',
        classes=f'{splits}/{setting}/ActivityNet/train/{split}',
        unseen=f'{splits}/{setting}/ActivityNet/test/{split}',
        **files,
    ),
)
test_dataloader = dict(
    dataset=dict(
        subset='validation',
        classes=f'{splits}/{setting}/ActivityNet/test/{split}',
        **files,
    ),
)
