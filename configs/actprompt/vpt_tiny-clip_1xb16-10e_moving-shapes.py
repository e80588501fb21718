# Visual prompt tuning, deep: eight learned prompts before each layer.
_base_ = './vanilla-prompt_tiny-clip_1xb16-10e_moving-shapes.py'

hooks = [dict(type='VisualPrompt', width=128, num_layers=6, num_prompts=8, deep=True)]
model = dict(vision_tower=dict(hooks=hooks))
feature_extractor = dict(vision_tower=dict(hooks=hooks))
