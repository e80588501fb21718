# UniVTG on one domain of YouTube Highlights, the recipe of lighthouse:
# MMVTG_DOMAIN=skiing python tools/train.py ...
_base_ = [
    '../_base_/datasets/youtube_highlights_clip_slowfast.py',
    '../_base_/models/univtg_highlight.py',
    '../_base_/schedules/detr.py',
    '../_base_/default_runtime.py',
]

train_cfg = dict(max_epochs=1000, val_interval=20)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
default_hooks = dict(checkpoint=dict(save_best='mAP', rule='greater'))
auto_scale_lr = dict(base_batch_size=4)
