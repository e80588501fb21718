# Efficient-Prompt, recognition on MovingShapes over the tiny CLIP: prompts alone.
_base_ = [
    '../_base_/datasets/recognition_features.py',
    '../_base_/features/tiny_clip_frames.py',
    '../_base_/models/efficient_prompt.py',
    '../_base_/schedules/efficient_prompt.py',
    '../_base_/default_runtime.py',
]

data_root = '{{$MMVTG_DATA:data}}/moving_shapes/{{$MOVING_SHAPES:demo}}/'
num_frames = 16
gaps = (1, 2, 3)
pack = {{_base_.pack}}
classes = [
    'slide_left',
    'slide_right',
    'rise',
    'sink',
    'grow',
    'shrink',
    'spin',
    'blink',
    'bounce',
    'shake',
]
dataset = dict(
    classes=classes,
    data_root=data_root,
    data_prefix=dict(feature='features/tiny_clip_frames'),
    layout='segments',
    fps={{_base_.encoding.fps}},
)
train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    dataset=dict(
        ann_file='recognition/train.txt',
        pipeline=[
            dict(type='DrawStoredFrames', num_frames=num_frames, gaps=gaps),
            pack,
        ],
        **dataset,
    ),
)
test_pipeline = [
    dict(type='DrawStoredFrames', num_frames=num_frames, gaps=gaps, num_draws=5),
    pack,
]
val_dataloader = dict(
    num_workers=1,
    dataset=dict(ann_file='recognition/val.txt', pipeline=test_pipeline, **dataset),
)
test_dataloader = dict(
    num_workers=1,
    dataset=dict(ann_file='recognition/test.txt', pipeline=test_pipeline, **dataset),
)
model = dict(
    temporal=None,
    classifier=dict(
        text_tower=dict(
            model='tiny-clip',
            pretrained='shipped',
            hooks=[dict(type='ContextPrompt', width=96, num_before=8, num_after=8)],
        )
    ),
)
train_cfg = dict(max_epochs=20, val_interval=5)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
auto_scale_lr = dict(base_batch_size=32)
custom_hooks = [dict(type='IterationSeedHook'), dict(type='ClassNamesHook')]
default_hooks = dict(checkpoint=dict(save_best='acc/top1', rule='greater'))
