# VDI on MMN on Charades-STA.
_base_ = [
    '../mmn/mmn_clip-b32_4xb12-18e_charades-sta.py',
    '../_base_/models/vdi.py',
]

model = dict(injection={{_base_.injection}})
train_dataloader = dict(dataset=dict(pipeline={{_base_.vdi_train_pipeline}}))
custom_hooks = {{_base_.vdi_hooks}}
