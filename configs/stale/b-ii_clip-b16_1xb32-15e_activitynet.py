# Baseline B-II, in the style of DenseCLIP: adapted texts against every snippet, no
# class-agnostic mask, convolutions as localiser.
_base_ = './stale_clip-b16_1xb32-15e_activitynet.py'

model = dict(
    head=dict(
        foreground=None,
        localizer=dict(
            _delete_=True,
            type='StaticMaskLocalizer',
            channels=512,
            num_clips=100,
            relative=True,
        ),
    )
)
