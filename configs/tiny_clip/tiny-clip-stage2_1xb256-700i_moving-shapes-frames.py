# The second pass, over fresh frames of which most show one actor: shapes are what the
# first one still lacks. It goes on from where that ended:
# --cfg-options load_from=work_dirs/tiny_clip/iter_1000.pth
_base_ = ['./tiny-clip_1xb256-1k_moving-shapes-frames.py']

iterations = 700
train_dataloader = dict(
    dataset=dict(seed=1, length=256 * iterations, actor_odds=(0.6, 0.3, 0.1))
)
train_cfg = dict(max_iters=iterations, val_interval=350)
optim_wrapper = dict(optimizer=dict(lr=1.5e-3))
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
