# MMN with CLIP on ActivityNet-CG: the authors' settings, and CLIP in the place of
# DistilBERT and of VGG or C3D features.
_base_ = [
    '../_base_/datasets/activitynet_cg_tokens.py',
    '../_base_/models/mmn.py',
    '../_base_/schedules/mmn.py',
    '../_base_/default_runtime.py',
]

model = dict(
    neck=dict(
        num_clips=64, num_frames=256, counts=[15, 8, 8], kernel_size=9, num_layers=4
    ),
    head=dict(losses=dict(match=dict(margin=0.3, loss_weight=0.1))),
)
optim_wrapper = dict(optimizer=dict(lr=8e-4))
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[7, 15], gamma=0.1)
]
default_hooks = dict(checkpoint=dict(save_best='MR-full-mIoU', rule='greater'))
custom_hooks = [
    dict(type='IterationSeedHook'),
    dict(type='LossWeightHook', module='head.losses.match', epochs=6, factor=0.01),
    dict(type='FreezeHook', module='text_tower', epochs=4),
]
