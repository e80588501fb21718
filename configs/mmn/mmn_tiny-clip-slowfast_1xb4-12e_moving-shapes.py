# MMN on MovingShapes over the tiny CLIP and the tiny SlowFast, a map of 16 x 16. Both
# streams are projected before the map, as in MMN. The text tower learns at 0.3 of the
# rate: to the tiny CLIP, which saw single frames, left and right are one word.
_base_ = [
    '../_base_/datasets/moving_shapes_tokens.py',
    '../_base_/models/mmn.py',
    '../_base_/schedules/mmn.py',
    '../_base_/default_runtime.py',
]

clip = dict(model='tiny-clip', pretrained='shipped')
channels = 64
epochs = 12
model = dict(
    vision_tower=clip,
    # token embeddings are most of the tower, and words of no training query keep theirs
    text_tower=dict(frozen_words=True, **clip),
    neck=dict(
        in_channels=96,
        motion_channels=96,
        channels=channels,
        kernel_size=3,
        num_layers=3,
        project=True,
    ),
    head=dict(channels=channels, query_dims=96, embed_dims=channels),
)
train_cfg = dict(max_epochs=epochs, val_interval=4)
optim_wrapper = dict(
    optimizer=dict(lr=2e-3),
    paramwise_cfg=dict(custom_keys={'text_tower': dict(lr_mult=0.3)}),
)
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        begin=0,
        T_max=epochs,
        end=epochs,
        eta_min_ratio=0.02,
        by_epoch=True,
        convert_to_iter_based=True,
    )
]
default_hooks = dict(checkpoint=dict(save_best='MR-full-mAP', rule='greater'))
custom_hooks = [dict(type='IterationSeedHook')]
auto_scale_lr = dict(base_batch_size=4)
# R@5 and mean IoU, too, as MMN and VDI report them
val_evaluator = dict(protocol='retrieval')
test_evaluator = dict(protocol='retrieval')
