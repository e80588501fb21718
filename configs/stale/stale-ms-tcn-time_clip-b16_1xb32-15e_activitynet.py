# Table 6: one stage of MS-TCN in place of the temporal attention.
_base_ = './stale_clip-b16_1xb32-15e_activitynet.py'

model = dict(
    embedding=dict(
        layer=dict(
            _delete_=True,
            type='TemporalConvs',
            channels=512,
            num_layers=5,
            dilated=True,
        )
    )
)
