# Efficient-Prompt, recognition on MovingShapes: prompts and one temporal layer. At the
# paper's init_std of 0.01 a layer so small starts to learn later.
_base_ = ['efficient-prompt_tiny-clip_1xb32-20e_moving-shapes.py']

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
