# Retrieval on MovingShapes with CLIP as it is; nothing to train.
_base_ = ['efficient-prompt-retrieval_tiny-clip_1xb32-20e_moving-shapes.py']

model = dict(temporal=None, text_tower=dict(hooks=[]))
