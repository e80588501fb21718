# THUMOS14 for action detection, each video rescaled to 256 snippets as in the paper of
# STALE. Trained on the 200 validation videos, tested on the test videos. Each
# CliffDiving is a Diving, too: the training set warns if a split separates the two.
_base_ = './tad.py'

splits = 'splits'
setting = 'train_75_test_25'
split = 'split_0.list'
files = dict(
    data_root='{{$MMVTG_DATA:data}}/thumos14/',
    ann_file='thumos14.json',
    pipeline=[
        dict(type='LoadSnippets', num_snippets=256),
        dict(type='PackDetectionInputs'),
    ],
)
train_dataloader = dict(
    dataset=dict(
        subset='validation',
        classes=f'{splits}/{setting}/THUMOS14/train/{split}',
        unseen=f'{splits}/{setting}/THUMOS14/test/{split}',
        **files,
    ),
)
test_dataloader = dict(
    dataset=dict(
        subset='test', classes=f'{splits}/{setting}/THUMOS14/test/{split}', **files
    ),
)
test_evaluator = dict(thresholds='thumos14')
