# The hand-written second stage on the closed set of ten actions; nothing to train.
_base_ = [
    'efficient-prompt-localisation-closed-set_tiny-clip_1xb32-20e_moving-shapes.py'
]

model = dict(
    embedding=None,
    classifier=dict(template='this is an action of {}', text_tower=dict(hooks=[])),
)
