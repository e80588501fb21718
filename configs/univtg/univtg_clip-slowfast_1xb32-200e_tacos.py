# UniVTG on TACoS with SlowFast and CLIP features, the recipe of lighthouse.
_base_ = [
    '../_base_/datasets/tacos_clip_slowfast.py',
    '../_base_/models/univtg.py',
    '../_base_/schedules/detr.py',
    '../_base_/default_runtime.py',
]

model = dict(
    head=dict(
        # parity: half the clip length in seconds, taken as clips
        point_offset=1.0,
    ),
)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[40], gamma=0.1),
]
default_hooks = dict(checkpoint=dict(save_best='MR-full-mIoU'))
