# Table 4, "no mask": every snippet is classified.
_base_ = './stale_clip-b16_1xb32-15e_activitynet.py'

model = dict(head=dict(foreground=None))
