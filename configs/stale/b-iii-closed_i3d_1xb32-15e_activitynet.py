# Baseline B-III: B-II on two-stream I3D features, closed set.
_base_ = './stale-closed_i3d_1xb32-15e_activitynet.py'

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
