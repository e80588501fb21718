# The baseline of Efficient-Prompt: a prompt written by hand. Nothing to train; run it
# with tools/test.py and without a checkpoint.
_base_ = ['efficient-prompt_tiny-clip_1xb32-20e_moving-shapes.py']

model = dict(classifier=dict(template='a photo of {}', text_tower=dict(hooks=[])))
