# THUMOS14, CLIP ViT-B/16, each video rescaled to 256 snippets as in the paper. Trained
# on the 200 validation videos, tested on the test videos. Each CliffDiving there is a
# Diving, too: the training set warns where a split puts them on different sides.
_base_ = './tad.py'

splits = 'splits'
setting = 'train_75_test_25'
split = 'split_0.list'
files = dict(
    data_root='{{$MMVTG_DATA:data}}/thumos14/',
    ann_file='thumos14.json',
    data_prefix=dict(video='clip_b16_vid'),
    file_names=dict(video='{video_id}.npy'),
    streams=dict(video=dict(row_shape=(512,))),
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
