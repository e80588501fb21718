# The tiny CLIP that comes with mmvtg, trained on single frames of MovingShapes.
_base_ = ['../_base_/default_runtime.py']

model = dict(
    type='CLIPPretrainer',
    vision_tower=dict(
        type='CLIPVisionTower', model='tiny-clip', frozen=False, chunk_size=256
    ),
    text_tower=dict(type='CLIPTextTower', model='tiny-clip', frozen=False),
)

batch_size = 256
iterations = 1000
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='MovingShapesFrames', split='train', length=batch_size * iterations
    ),
)
val_dataloader = dict(
    batch_size=256,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='MovingShapesFrames', split='val', length=1024),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='CaptionRetrievalMetric')
test_evaluator = val_evaluator

train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=250)
val_cfg = dict()
test_cfg = dict()

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1.5e-3, betas=(0.9, 0.98), weight_decay=0.1),
    clip_grad=dict(max_norm=1.0),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        custom_keys={
            'logit_scale': dict(decay_mult=0.0),
            'positional_embedding': dict(decay_mult=0.0),
            'class_embedding': dict(decay_mult=0.0),
        },
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(
        type='CosineAnnealingLR',
        by_epoch=False,
        begin=100,
        end=iterations,
        T_max=iterations - 100,
        eta_min_ratio=0.02,
    ),
]
default_hooks = dict(
    checkpoint=dict(type='SafeCheckpointHook', by_epoch=False, interval=250)
)
log_processor = dict(by_epoch=False)
