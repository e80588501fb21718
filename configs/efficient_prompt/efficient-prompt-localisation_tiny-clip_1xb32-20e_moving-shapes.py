# Efficient-Prompt, localisation on MovingShapes, second stage: the proposals that the
# first stage found get classes.
_base_ = [
    '../_base_/datasets/moving_shapes_tad.py',
    '../_base_/schedules/stale.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='TemporalActionDetector',
    embedding=dict(
        type='TemporalTransformer',
        channels=96,
        num_layers=1,
        num_heads=4,
        max_frames=64,
        init_std=0.1,
    ),
    classifier=dict(
        type='ClassNameClassifier',
        text_tower=dict(
            type='CLIPTextTower',
            model='tiny-clip',
            pretrained='shipped',
            hooks=[dict(type='ContextPrompt', width=96, num_before=8, num_after=8)],
        ),
    ),
    head=dict(
        type='SegmentNamingHead',
        proposals='work_dirs/ep-proposals/proposals.json',
        candidates=dict(
            type='MaskCandidates',
            nms=dict(kind='gaussian', sigma=0.5, min_score=0.001, max_num=200),
        ),
    ),
)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=0.01)
)
train_cfg = dict(max_epochs=20)
