# AdamW, 500 iterations of warm-up (mmengine is at the full rate one before `end`), one
# step down. The experiment files set lengths and rate.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=30, val_interval=1)
val_cfg = dict()
test_cfg = dict()

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2.5e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=35),
)
# the authors train with fp16 autocast: tools/train.py --amp
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=501),
    dict(type='MultiStepLR', by_epoch=True, milestones=[20], gamma=0.1),
]
auto_scale_lr = dict(enable=False, base_batch_size=32)
