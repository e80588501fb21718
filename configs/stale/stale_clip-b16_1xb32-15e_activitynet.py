# STALE on ActivityNet v1.3, CLIP ViT-B/16 features. tools/zero_shot_protocol.py trains
# and tests all splits.
_base_ = [
    '../_base_/datasets/activitynet_tad_clip.py',
    '../_base_/models/stale.py',
    '../_base_/schedules/stale.py',
    '../_base_/default_runtime.py',
]
default_hooks = dict(pictures=dict(type='DetectionPictureHook', enable=False))
