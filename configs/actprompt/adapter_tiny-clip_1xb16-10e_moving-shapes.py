# A bottleneck behind each layer.
_base_ = './vanilla-prompt_tiny-clip_1xb16-10e_moving-shapes.py'

hooks = [dict(type='Adapter', width=128, num_layers=6, hidden_channels=32)]
model = dict(vision_tower=dict(hooks=hooks))
feature_extractor = dict(vision_tower=dict(hooks=hooks))
