# R2-Tuning on Ego4D-NLQ with the authors' settings.
_base_ = [
    '../_base_/datasets/ego4d_nlq.py',
    '../_base_/features/clip_b32_k4.py',
    '../_base_/models/r2_tuning.py',
    '../_base_/schedules/r2_tuning.py',
    '../_base_/default_runtime.py',
]

model = dict(neck=dict(dropout=0.3))
default_hooks = dict(checkpoint=dict(save_best='MR-full-mIoU'))
