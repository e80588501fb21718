# The second stage with CLIP as it is and a prompt written by hand, the paper's baseline
# III; nothing to train.
_base_ = ['efficient-prompt-localisation_tiny-clip_1xb32-20e_moving-shapes.py']

model = dict(
    embedding=None,
    classifier=dict(template='this is an action of {}', text_tower=dict(hooks=[])),
)
