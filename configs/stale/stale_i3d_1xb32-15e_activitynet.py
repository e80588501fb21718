# STALE on two-stream I3D features, projected to the width of CLIP's texts.
_base_ = [
    '../_base_/datasets/activitynet_tad_i3d.py',
    '../_base_/models/stale.py',
    '../_base_/schedules/stale.py',
    '../_base_/default_runtime.py',
]

model = dict(embedding=dict(in_channels=2048))
default_hooks = dict(pictures=dict(type='DetectionPictureHook', enable=False))
