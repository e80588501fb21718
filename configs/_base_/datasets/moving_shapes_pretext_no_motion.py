# MovingShapes for the pretext tasks of ActPrompt, for towers that read no motion.
_base_ = './moving_shapes_pretext.py'

no_motion = dict(
    data_prefix=dict(_delete_=True, frames='features/frames_64px'),
    streams=dict(motion=None),
)
train_dataloader = dict(dataset=no_motion)
val_dataloader = dict(dataset=no_motion)
test_dataloader = dict(dataset=no_motion)
