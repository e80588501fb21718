# Zero-shot recognition on MovingShapes: five actions to learn from, five to test on.
_base_ = ['efficient-prompt_tiny-clip_1xb32-20e_moving-shapes.py']

splits = 'activitynet/splits/train_50_test_50'
train_dataloader = dict(dataset=dict(keep=f'{splits}/train/split_0.list'))
test_dataloader = dict(dataset=dict(keep=f'{splits}/test/split_0.list'))
val_dataloader = val_evaluator = val_cfg = None
train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=20)
default_hooks = dict(
    checkpoint=dict(_delete_=True, type='SafeCheckpointHook', max_keep_ckpts=1)
)
