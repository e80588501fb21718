# AdamW with a constant rate, the gradient cut short: Moment-DETR, QD-DETR, TR-DETR and
# UniVTG. The experiment files set lengths.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=200, val_interval=5)
val_cfg = dict()
test_cfg = dict()

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=0.1),
)
param_scheduler = []
auto_scale_lr = dict(enable=False, base_batch_size=32)
