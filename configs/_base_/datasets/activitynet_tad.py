# ActivityNet v1.3 for action detection, each video rescaled to 100 snippets. Splits:
# the lists of Efficient-Prompt and STALE, unpacked.
_base_ = './tad.py'

splits = 'splits'
setting = 'train_75_test_25'
split = 'split_0.list'
files = dict(
    data_root='{{$MMVTG_DATA:data}}/activitynet/',
    ann_file='activity_net.v1-3.min.json',
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
