# The third pass: patches get to know their place, and which words they show. It goes on
# from what tools/model_converters/export_tiny_clip.py wrote after the second pass:
# --cfg-options model.vision_tower.pretrained=FILE model.text_tower.pretrained=FILE
_base_ = ['./tiny-clip_1xb256-1k_moving-shapes-frames.py']

model = dict(
    vision_tower=dict(pretrained='shipped'),
    text_tower=dict(pretrained='shipped'),
    patch_loss_weight=1.0,
    position_code=0.5,
)
batch_size = 128
iterations = 950
train_dataloader = dict(
    batch_size=batch_size,
    dataset=dict(seed=2, length=batch_size * iterations),
)
train_cfg = dict(max_iters=iterations, val_interval=190)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50),
    dict(
        type='CosineAnnealingLR',
        by_epoch=False,
        begin=50,
        end=iterations,
        T_max=iterations - 50,
        eta_min_ratio=0.01,
    ),
]
