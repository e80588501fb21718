# Efficient-Prompt, localisation on MovingShapes, second stage, with all ten actions in
# training and test.
_base_ = ['efficient-prompt-localisation_tiny-clip_1xb32-20e_moving-shapes.py']

names = [
    'slide_left',
    'slide_right',
    'rise',
    'sink',
    'grow',
    'shrink',
    'spin',
    'blink',
    'bounce',
    'shake',
]
train_dataloader = dict(dataset=dict(classes=names, unseen=[]))
test_dataloader = dict(dataset=dict(classes=names))
