# MMN's training on Charades-STA; the text tower learns at a tenth of the rate.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=18, val_interval=1)
val_cfg = dict()
test_cfg = dict()

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, betas=(0.9, 0.99), weight_decay=1e-5),
    clip_grad=dict(max_norm=5),
    paramwise_cfg=dict(custom_keys={'text_tower': dict(lr_mult=0.1)}),
)
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[8, 13], gamma=0.1)
]
auto_scale_lr = dict(enable=False, base_batch_size=48)
# a text tower that is frozen in the first epochs has no gradients to wait for
find_unused_parameters = True
