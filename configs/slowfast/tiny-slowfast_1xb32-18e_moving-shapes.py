# A small SlowFast by mmaction2's recogniser, on the stretches of MovingShapes' training
# videos during which one action can be seen. It reads stored frames, see README.md.
# No flips: they would make left of right. It learns the stretches by heart before its
# learning rate has come down, so it ends early and stage 2 goes on.
_base_ = ['../_base_/default_runtime.py', '../_base_/models/tiny_slowfast.py']

actions = (
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
)
model = dict(
    type='mmaction.Recognizer3D',
    backbone={{_base_.slowfast_backbone}},
    cls_head=dict(
        type='mmaction.SlowFastHead',
        in_channels=96,
        num_classes=len(actions),
        dropout_ratio=0.2,
        loss_cls=dict(type='mmaction.CrossEntropyLoss'),
        average_clips='prob',
    ),
    data_preprocessor=dict(
        type='mmaction.ActionDataPreprocessor',
        mean=(114.75, 114.75, 114.75),
        std=(57.375, 57.375, 57.375),
        format_shape='NCTHW',
    ),
)

fps = 8.0
draw = dict(type='DrawStoredFrames', num_frames=16, gaps=(1,))
pack = dict(
    type='mmaction.PackActionInputs', meta_keys=('video_id', 'class_name', 'window')
)
data = dict(
    type='RecognitionDataset',
    layout='segments',
    classes=actions,
    data_root='{{$MMVTG_DATA:data}}/moving_shapes/{{$MOVING_SHAPES:demo}}/',
    data_prefix=dict(feature='features/frames_8fps_48px'),
    fps=fps,
)
train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DrawSampler', shuffle=True),
    dataset=dict(
        ann_file='recognition/train.txt',
        pipeline=[draw, dict(type='FramesToImages'), pack],
        **data,
    ),
)
# one draw of 2 s a stretch: what it says is said of 16 frames
val_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        ann_file='recognition/val.txt',
        test_mode=True,
        pipeline=[draw, dict(type='FramesToImages'), pack],
        **data,
    ),
)
test_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        ann_file='recognition/test.txt',
        test_mode=True,
        pipeline=[draw, dict(type='FramesToImages'), pack],
        **data,
    ),
)
val_evaluator = dict(
    type='mmaction.AccMetric', metric_list=('top_k_accuracy', 'mean_class_accuracy')
)
test_evaluator = val_evaluator

epochs = 24  # of the schedule
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=18, val_interval=4)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        convert_to_iter_based=True,
        begin=0,
        end=epochs,
        T_max=epochs,
        eta_min_ratio=0.01,
    ),
]
