# Table 6: a 1-D CNN in place of the temporal attention.
_base_ = './stale_clip-b16_1xb32-15e_activitynet.py'

model = dict(
    embedding=dict(layer=dict(_delete_=True, type='TemporalConvs', channels=512))
)
