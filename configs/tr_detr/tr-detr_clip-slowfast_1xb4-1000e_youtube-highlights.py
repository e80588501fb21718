# TR-DETR on one domain of YouTube Highlights, the recipe of lighthouse:
# MMVTG_DOMAIN=skiing python tools/train.py ...
_base_ = [
    '../_base_/datasets/youtube_highlights_clip_slowfast.py',
    '../_base_/models/tr_detr_highlight.py',
    '../_base_/schedules/detr.py',
    '../_base_/default_runtime.py',
]

model = dict(
    head=dict(
        losses=dict(
            saliency=dict(loss_weight=4.0),
            # targets are 0 or 1: one of the twelve levels of the authors
            rank=dict(levels=(0.75,), loss_weight=4 / 6),
        ),
    ),
)
train_cfg = dict(max_epochs=1000, val_interval=20)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
default_hooks = dict(checkpoint=dict(save_best='mAP', rule='greater'))
auto_scale_lr = dict(base_batch_size=4)
