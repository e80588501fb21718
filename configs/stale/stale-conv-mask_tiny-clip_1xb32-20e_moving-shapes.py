# Table 4, "1-D CNN": two convolutions find the foreground.
_base_ = './stale_tiny-clip_1xb32-20e_moving-shapes.py'

model = dict(
    head=dict(foreground=dict(_delete_=True, type='ConvForeground', channels=96))
)
