# MMN with CLIP on Charades-STA: the authors' settings, and CLIP in the place of
# DistilBERT and of VGG or C3D features.
_base_ = [
    '../_base_/datasets/charades_sta_tokens.py',
    '../_base_/models/mmn.py',
    '../_base_/schedules/mmn.py',
    '../_base_/default_runtime.py',
]

default_hooks = dict(checkpoint=dict(save_best='MR-full-mIoU', rule='greater'))
custom_hooks = [
    dict(type='IterationSeedHook'),
    dict(type='LossWeightHook', module='head.losses.match', epochs=7, factor=0.01),
    dict(type='FreezeHook', module='text_tower', epochs=4),
]
