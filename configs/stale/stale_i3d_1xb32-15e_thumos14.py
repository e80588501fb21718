# STALE on THUMOS14, two-stream I3D features, videos rescaled to 256 snippets.
_base_ = [
    '../_base_/datasets/thumos14_tad_i3d.py',
    '../_base_/models/stale.py',
    '../_base_/schedules/stale.py',
    '../_base_/default_runtime.py',
]

model = dict(
    embedding=dict(in_channels=2048),
    head=dict(
        candidates=dict(top_clips=50, nms=dict(max_num=200)),
    ),
)
optim_wrapper = dict(optimizer=dict(lr=1e-5))
default_hooks = dict(pictures=dict(type='DetectionPictureHook', enable=False))
