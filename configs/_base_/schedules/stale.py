# The paper names Adam, 15 epochs and the rate (ActivityNet 1e-4, THUMOS14 1e-5); batch,
# decay and clipping are choices of this project. No validation: unseen classes select
# nothing, the last epoch is what is tested. No decay of the text tower: Adam turns the
# decay of a weight that has no gradient into steps of the full rate, and would wipe out
# places that no seen class name reaches.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=15)
val_cfg = val_dataloader = val_evaluator = None
test_cfg = dict()
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=1.0),
    paramwise_cfg=dict(
        custom_keys={'classifier.text_tower.clip': dict(lr_mult=0.1, decay_mult=0.0)}
    ),
)
param_scheduler = []
auto_scale_lr = dict(enable=False, base_batch_size=32)
