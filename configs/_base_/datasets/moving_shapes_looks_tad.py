# MovingShapes as a detection set: thirty compositions of a colour and a shape are the
# classes, an instance is a time at which such a thing does something. Unseen classes
# are new compositions of words that are seen. No run validates, so that videos of both
# held-out subsets are tested. 32 snippets, as many as there are seconds on average; a
# single frame of this world hardly tells an action, so that changes are given as well.
_base_ = './moving_shapes_tad.py'

splits = 'activitynet/looks_splits'
setting = 'train_75_test_25'
split = 'split_0.list'
ann_file = 'activitynet/moving_shapes_looks_tad.json'
pipeline = [
    dict(type='LoadSnippets', num_snippets=32, change=['video']),
    dict(type='PackDetectionInputs'),
]
train_dataloader = dict(
    dataset=dict(
        ann_file=ann_file,
        pipeline=pipeline,
        classes=f'{splits}/{setting}/train/{split}',
        unseen=f'{splits}/{setting}/test/{split}',
    ),
)
test_dataloader = dict(
    dataset=dict(
        ann_file=ann_file,
        pipeline=pipeline,
        subset=['validation', 'testing'],
        classes=f'{splits}/{setting}/test/{split}',
    ),
)
