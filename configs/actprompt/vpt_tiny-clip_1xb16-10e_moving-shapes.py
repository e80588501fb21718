# Visual prompt tuning, deep: eight learned prompts before each layer.
_base_ = [
    '../_base_/datasets/moving_shapes_pretext_no_motion.py',
    '../_base_/features/vpt.py',
    '../_base_/models/actprompt_tiny_clip.py',
    '../_base_/schedules/actprompt.py',
    '../_base_/default_runtime.py',
]

model = dict(
    vision_tower=dict(hooks={{_base_.encoding.streams.video.tower.hooks}}),
    losses=dict(consistency=None),
)
