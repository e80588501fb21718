# UniVTG on Charades-STA with SlowFast and CLIP features, the recipe of lighthouse.
_base_ = [
    '../_base_/datasets/charades_sta_clip_slowfast.py',
    '../_base_/models/univtg.py',
    '../_base_/schedules/detr.py',
    '../_base_/default_runtime.py',
]

optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[40], gamma=0.1),
]
default_hooks = dict(checkpoint=dict(save_best='MR-full-mIoU'))
