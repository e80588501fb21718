# Table 4: 5 mask queries.
_base_ = './stale_clip-b16_1xb32-15e_activitynet.py'

model = dict(head=dict(foreground=dict(decoder=dict(num_queries=5))))
