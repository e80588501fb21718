_base_ = ['./qd_detr.py', './small_detr.py']

model = dict(neck=_base_.small_neck, head=_base_.small_head)
