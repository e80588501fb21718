# Action cues without temporal prompts.
_base_ = './actprompt_tiny-clip_1xb16-10e_moving-shapes.py'

hooks = [
    dict(type='ActionPrompt', motion_dim=96, text_width=96, width=128, num_layers=6)
]
model = dict(vision_tower=dict(hooks=hooks))
feature_extractor = dict(vision_tower=dict(hooks=hooks))
