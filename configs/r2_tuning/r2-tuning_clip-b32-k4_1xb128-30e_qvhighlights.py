# R2-Tuning on QVHighlights with the authors' settings.
_base_ = [
    '../_base_/datasets/qvhighlights.py',
    '../_base_/features/clip_b32_k4.py',
    '../_base_/models/r2_tuning.py',
    '../_base_/schedules/r2_tuning.py',
    '../_base_/default_runtime.py',
]

model = dict(
    head=dict(
        post_processor=dict(
            unit=2.0, nms=dict(_delete_=True, kind='hard', iou_threshold=0.7)
        )
    )
)
# an epoch of the authors goes over the set four times
train_dataloader = dict(
    batch_size=128,
    dataset=dict(
        _delete_=True,
        type='RepeatDataset',
        times=4,
        dataset={{_base_.train_dataloader.dataset}},
    ),
)
val_evaluator = dict(submission_file='submission.jsonl')
test_evaluator = val_evaluator
optim_wrapper = dict(optimizer=dict(lr=5e-4))
default_hooks = dict(checkpoint=dict(save_best='MR-full-mAP'))
auto_scale_lr = dict(base_batch_size=128)
