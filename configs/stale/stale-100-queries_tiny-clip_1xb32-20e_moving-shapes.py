# Table 4: 100 mask queries.
_base_ = './stale_tiny-clip_1xb32-20e_moving-shapes.py'

model = dict(head=dict(foreground=dict(decoder=dict(num_queries=100))))
