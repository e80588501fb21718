# R2-Tuning on one domain of YouTube Highlights with the authors' settings:
# MMVTG_DOMAIN=skiing python tools/train.py ...
_base_ = [
    '../_base_/datasets/youtube_highlights.py',
    '../_base_/features/clip_b32_k4.py',
    '../_base_/models/r2_tuning_highlight.py',
    '../_base_/schedules/r2_tuning.py',
    '../_base_/default_runtime.py',
]

train_cfg = dict(max_epochs=200)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
default_hooks = dict(checkpoint=dict(save_best='mAP', rule='greater'))
auto_scale_lr = dict(base_batch_size=4)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=51),
]
