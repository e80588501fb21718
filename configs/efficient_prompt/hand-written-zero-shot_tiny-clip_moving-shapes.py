# The hand-written prompt on the unseen half of the actions; nothing to train.
_base_ = ['efficient-prompt-zero-shot_tiny-clip_1xb32-20e_moving-shapes.py']

model = dict(classifier=dict(template='a photo of {}', text_tower=dict(hooks=[])))
