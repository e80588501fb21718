# R2-Tuning on Charades-STA with the authors' settings.
_base_ = [
    '../_base_/datasets/charades_sta.py',
    '../_base_/features/clip_b32_k4.py',
    '../_base_/models/r2_tuning.py',
    '../_base_/schedules/r2_tuning.py',
    '../_base_/default_runtime.py',
]

model = dict(
    neck=dict(dropout=0.35),
    head=dict(
        losses=dict(saliency=dict(loss_weight=0.01)), post_processor=dict(unit=0.1)
    ),
)
train_cfg = dict(max_epochs=50)
default_hooks = dict(checkpoint=dict(save_best='MR-full-mIoU'))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=501),
    dict(type='MultiStepLR', by_epoch=True, milestones=[30], gamma=0.1),
]
