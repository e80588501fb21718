# The linear probe on the 5-shot-c-way trials.
_base_ = ['efficient-prompt-5-shot-c-way_tiny-clip_1xb25-50e_moving-shapes.py']

model = dict(
    classifier=dict(_delete_=True, type='LinearClassifier', channels=96, num_classes=10)
)
optim_wrapper = dict(optimizer=dict(lr=2e-2))
