# 5-shot-c-way recognition on MovingShapes with one temporal layer.
_base_ = ['efficient-prompt-5-shot-c-way_tiny-clip_1xb25-50e_moving-shapes.py']

model = dict(
    temporal=dict(
        _delete_=True,
        type='TemporalTransformer',
        channels=96,
        num_layers=1,
        num_heads=4,
        max_frames=16,
        max_gap=3,
        init_std=0.1,
    )
)
