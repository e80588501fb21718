# QD-DETR on QVHighlights with SlowFast features and those of ActPrompt's tower. The
# settings are those of QD-DETR with frozen CLIP features.
_base_ = [
    '../_base_/datasets/qvhighlights_actprompt_slowfast.py',
    '../_base_/models/qd_detr.py',
    '../_base_/schedules/detr.py',
    '../_base_/default_runtime.py',
]

model = dict(
    head=dict(
        # parity: the authors clamp at 150 s, whatever the duration
        post_processor=dict(unit=2.0, max_time=150.0),
    ),
)
val_evaluator = dict(submission_file='submission.jsonl')
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='MR-full-mAP', rule='greater'))
randomness = dict(seed=2018)
