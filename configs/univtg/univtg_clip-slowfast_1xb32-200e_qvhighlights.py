# UniVTG on QVHighlights with SlowFast and CLIP features, the authors' settings.
_base_ = [
    '../_base_/datasets/qvhighlights_clip_slowfast.py',
    '../_base_/models/univtg.py',
    '../_base_/schedules/detr.py',
    '../_base_/default_runtime.py',
]

model = dict(
    head=dict(
        # parity: half the clip length in seconds, taken as clips
        point_offset=1.0,
    ),
)
val_evaluator = dict(submission_file='submission.jsonl')
test_evaluator = val_evaluator
# ten epochs of warm-up, a tenth of the rate every 80
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, begin=0, end=10),
    dict(type='MultiStepLR', by_epoch=True, milestones=[80, 160], gamma=0.1),
]
default_hooks = dict(checkpoint=dict(save_best='MR-full-mAP', rule='greater'))
randomness = dict(seed=2018)
