# QD-DETR on MovingShapes over the tiny CLIP: the class token of its last layer.
_base_ = [
    '../_base_/datasets/moving_shapes_class_token.py',
    '../_base_/models/qd_detr_small.py',
    '../_base_/schedules/detr_moving_shapes.py',
    '../_base_/default_runtime.py',
]

default_hooks = dict(checkpoint=dict(save_best='MR-full-mAP', rule='greater'))
