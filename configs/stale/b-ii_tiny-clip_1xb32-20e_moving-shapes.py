# Baseline B-II, in the style of DenseCLIP: adapted texts against every snippet, no
# class-agnostic mask, convolutions as localiser.
_base_ = './stale_tiny-clip_1xb32-20e_moving-shapes.py'

model = dict(
    head=dict(
        foreground=None,
        localizer=dict(
            _delete_=True,
            type='StaticMaskLocalizer',
            channels=96,
            num_clips=32,
            relative=True,
        ),
    )
)
