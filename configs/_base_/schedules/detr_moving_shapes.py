# A short training on MovingShapes, the same for all DETR-like methods.
_base_ = ['./detr.py']

epochs = 30
train_cfg = dict(max_epochs=epochs, val_interval=10)
optim_wrapper = dict(optimizer=dict(lr=1e-3), clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(
        type='CosineAnnealingLR',
        begin=0,
        T_max=epochs,
        end=epochs,
        eta_min_ratio=0.02,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
auto_scale_lr = dict(base_batch_size=16)
