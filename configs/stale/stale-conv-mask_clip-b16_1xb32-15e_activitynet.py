# Table 4, "1-D CNN": two convolutions find the foreground.
_base_ = './stale_clip-b16_1xb32-15e_activitynet.py'

model = dict(
    head=dict(foreground=dict(_delete_=True, type='ConvForeground', channels=512))
)
