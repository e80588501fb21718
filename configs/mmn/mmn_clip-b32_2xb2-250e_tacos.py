# MMN with CLIP on TACoS: the sparse map of 128 x 128.
_base_ = [
    '../_base_/datasets/tacos_tokens.py',
    '../_base_/models/mmn.py',
    '../_base_/schedules/mmn.py',
    '../_base_/default_runtime.py',
]

model = dict(
    neck=dict(num_clips=128, num_frames=256, counts=[15, 8, 8, 8]),
    head=dict(
        losses=dict(match=dict(num_positives=3, margin=0.1, loss_weight=0.1)),
        target_range=(0.3, 0.7),
        score_power=0.3,
        post_processor=dict(nms=dict(iou_threshold=0.4)),
    ),
)
train_cfg = dict(max_epochs=250, val_interval=10)
optim_wrapper = dict(optimizer=dict(lr=1.5e-3))
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[130, 190], gamma=0.1)
]
auto_scale_lr = dict(base_batch_size=4)
default_hooks = dict(checkpoint=dict(save_best='MR-full-mIoU', rule='greater'))
custom_hooks = [
    dict(type='IterationSeedHook'),
    dict(type='LossWeightHook', module='head.losses.match', epochs=100, factor=0.01),
    dict(type='FreezeHook', module='text_tower', epochs=40),
]
