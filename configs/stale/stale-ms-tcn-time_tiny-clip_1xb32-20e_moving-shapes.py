# Table 6: one stage of MS-TCN in place of the temporal attention.
_base_ = './stale_tiny-clip_1xb32-20e_moving-shapes.py'

model = dict(
    embedding=dict(
        layer=dict(
            _delete_=True, type='TemporalConvs', channels=96, num_layers=5, dilated=True
        )
    )
)
