# Table 6: a 1-D CNN in place of the temporal attention.
_base_ = './stale_tiny-clip_1xb32-20e_moving-shapes.py'

model = dict(
    embedding=dict(layer=dict(_delete_=True, type='TemporalConvs', channels=96))
)
