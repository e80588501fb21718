# 5-shot-c-way recognition on MovingShapes, trials drawn: tools/few_shot.py runs them.
_base_ = ['efficient-prompt_tiny-clip_1xb32-20e_moving-shapes.py']

num_trials = 10
few_shot = dict(shots=5, trial=0)
train_dataloader = dict(
    batch_size=25,
    drop_last=False,
    dataset=dict(few_shot=dict(part='train', **few_shot)),
)
val_dataloader = val_evaluator = val_cfg = None
train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=50)
default_hooks = dict(
    checkpoint=dict(_delete_=True, type='SafeCheckpointHook', max_keep_ckpts=1)
)
