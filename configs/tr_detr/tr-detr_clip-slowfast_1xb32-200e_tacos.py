# TR-DETR on TACoS with SlowFast and CLIP features, the recipe of lighthouse.
_base_ = [
    '../_base_/datasets/tacos_clip_slowfast.py',
    '../_base_/models/tr_detr.py',
    '../_base_/schedules/detr.py',
    '../_base_/default_runtime.py',
]

model = dict(
    head=dict(
        saliency_pairs=('easy', 'easy'),
        losses=dict(
            saliency=dict(loss_weight=4.0),
            # targets are 0 or 1: one of the twelve levels of the authors
            rank=dict(levels=(0.75,), loss_weight=4 / 6),
        ),
        post_processor=dict(unit=2.0),
    ),
)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[40], gamma=0.1),
]
default_hooks = dict(checkpoint=dict(save_best='MR-full-mIoU'))
