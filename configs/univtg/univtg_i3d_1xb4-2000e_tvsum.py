# UniVTG on one domain of TVSum with the features of UMT:
# MMVTG_DOMAIN=VU python tools/train.py ...
_base_ = [
    '../_base_/datasets/tvsum_i3d.py',
    '../_base_/models/univtg_highlight.py',
    '../_base_/schedules/detr.py',
    '../_base_/default_runtime.py',
]

model = dict(neck=dict(video_dims=2048 + 2))
train_cfg = dict(max_epochs=2000, val_interval=20)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
default_hooks = dict(checkpoint=dict(save_best='mAP', rule='greater'))
auto_scale_lr = dict(base_batch_size=4)
