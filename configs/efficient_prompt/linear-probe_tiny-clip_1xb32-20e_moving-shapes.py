# The other baseline of Efficient-Prompt: a linear layer on frozen features.
_base_ = ['efficient-prompt_tiny-clip_1xb32-20e_moving-shapes.py']

model = dict(
    classifier=dict(_delete_=True, type='LinearClassifier', channels=96, num_classes=10)
)
optim_wrapper = dict(optimizer=dict(lr=2e-2))
