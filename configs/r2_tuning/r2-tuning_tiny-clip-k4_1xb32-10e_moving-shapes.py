# R2-Tuning on MovingShapes over the tiny CLIP: `make demo` runs this.
_base_ = [
    '../_base_/datasets/moving_shapes.py',
    '../_base_/features/tiny_clip_k4.py',
    '../_base_/models/r2_tuning.py',
    '../_base_/schedules/r2_tuning.py',
    '../_base_/default_runtime.py',
]

channels = 64
model = dict(
    neck=dict(
        video_dims=128,
        query_dims=96,
        channels=channels,
        num_heads=4,
        dropout=0.1,
        drop_path=0.0,
        # from the authors' 0 the spatial attention hardly starts in so short a training
        init_scale=1.0,
    ),
    pyramid=dict(channels=channels),
    head=dict(
        channels=channels,
        post_processor=dict(
            unit=2.0, nms=dict(_delete_=True, kind='hard', iou_threshold=0.7)
        ),
    ),
)
train_cfg = dict(max_epochs=10, val_interval=5)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(
        type='CosineAnnealingLR',
        begin=0,
        T_max=10,
        end=10,
        eta_min_ratio=0.02,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
default_hooks = dict(
    checkpoint=dict(save_best='MR-full-mAP', rule='greater'),
    timeline=dict(num_pictures=12),
)
auto_scale_lr = dict(base_batch_size=32)
