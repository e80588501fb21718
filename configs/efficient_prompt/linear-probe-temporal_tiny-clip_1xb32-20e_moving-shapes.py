# The linear probe behind one temporal layer: what the order of frames adds, no words.
_base_ = ['efficient-prompt-temporal_tiny-clip_1xb32-20e_moving-shapes.py']

model = dict(
    classifier=dict(_delete_=True, type='LinearClassifier', channels=96, num_classes=10)
)
