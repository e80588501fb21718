# Zero-shot recognition on MovingShapes with one temporal layer.
_base_ = ['efficient-prompt-zero-shot_tiny-clip_1xb32-20e_moving-shapes.py']

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
