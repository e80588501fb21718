# VDI on MMN on ActivityNet-CG.
_base_ = [
    '../mmn/mmn_clip-b32_6xb8-18e_activitynet-cg.py',
    '../_base_/models/vdi.py',
]

model = dict(injection={{_base_.injection}})
train_dataloader = dict(dataset=dict(pipeline={{_base_.vdi_train_pipeline}}))
custom_hooks = [
    dict(type='IterationSeedHook'),
    dict(type='LossWeightHook', module='head.losses.match', epochs=6, factor=0.01),
]
