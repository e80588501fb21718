# MovingShapes as a detection set: ten actions, of which a model sees some and is tested
# on the others. CLIP vectors at one frame a second, rescaled to 64 snippets.
_base_ = ['./tad.py', '../features/tiny_clip.py']

encoding = dict(fps=1.0)

splits = 'activitynet/splits'
setting = 'train_75_test_25'
split = 'split_0.list'
files = dict(
    data_root='{{$MMVTG_DATA:data}}/moving_shapes/{{$MOVING_SHAPES:demo}}/',
    ann_file='activitynet/moving_shapes_tad.json',
    data_prefix=dict(video='features/tiny_clip'),
    file_names=dict(video='{video_id}.npy'),
    pipeline=[
        dict(type='LoadSnippets', num_snippets=64),
        dict(type='PackDetectionInputs'),
    ],
)
# so small that starting processes would take longer than reading
train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        subset='training',
        classes=f'{splits}/{setting}/train/{split}',
        unseen=f'{splits}/{setting}/test/{split}',
        **files,
    ),
)
test_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(subset='testing', classes=f'{splits}/{setting}/test/{split}', **files),
)
