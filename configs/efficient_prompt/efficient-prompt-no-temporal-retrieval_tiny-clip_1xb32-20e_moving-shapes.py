# Retrieval on MovingShapes with prompts alone.
_base_ = ['efficient-prompt-retrieval_tiny-clip_1xb32-20e_moving-shapes.py']

model = dict(temporal=None)
