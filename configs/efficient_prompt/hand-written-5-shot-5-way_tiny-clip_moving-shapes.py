# The hand-written prompt on the 5-shot-5-way trials; nothing to train.
_base_ = ['efficient-prompt-5-shot-5-way_tiny-clip_1xb25-50e_moving-shapes.py']

model = dict(classifier=dict(template='a photo of {}', text_tower=dict(hooks=[])))
