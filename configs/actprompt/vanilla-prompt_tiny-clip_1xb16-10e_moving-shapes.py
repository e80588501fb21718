# One learned prompt, the same for every frame: what is left without action cues. No
# motion is read, and each moment is encoded once.
_base_ = './actprompt_tiny-clip_1xb16-10e_moving-shapes.py'

hooks = [dict(type='VisualPrompt', width=128, num_layers=6)]
model = dict(vision_tower=dict(hooks=hooks), losses=dict(consistency=None))
feature_extractor = dict(vision_tower=dict(hooks=hooks), motion=None)
no_motion = dict(
    data_prefix=dict(_delete_=True, frames='features/frames_64px'),
    streams=dict(motion=None),
)
train_dataloader = dict(dataset=no_motion)
val_dataloader = dict(dataset=no_motion)
test_dataloader = dict(dataset=no_motion)
