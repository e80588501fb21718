# Table 4, "no mask": every snippet is classified.
_base_ = './stale_tiny-clip_1xb32-20e_moving-shapes.py'

model = dict(head=dict(foreground=None))
