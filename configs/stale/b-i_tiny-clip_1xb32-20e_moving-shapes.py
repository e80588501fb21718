# Baseline B-I: BMN of mmaction2 proposes, CLIP with a prompt by hand names. BMN learns
# from segments of seen classes; nothing of the naming is learned.
_base_ = './stale_tiny-clip_1xb32-20e_moving-shapes.py'

model = dict(
    embedding=None,
    classifier=dict(
        template='a {}',
        text_tower=dict(frozen=True, hooks=[]),
    ),
    head=dict(
        _delete_=True,
        type='BMNHead',
        channels=192,  # CLIP vectors, which are named, and their changes
        name_channels=96,
        num_snippets=32,
        bmn=dict(hidden_dim_1d=64, hidden_dim_2d=16, hidden_dim_3d=32, num_samples=8),
        candidates=dict(
            type='MaskCandidates',
            nms=dict(kind='gaussian', sigma=0.5, min_score=0.001, max_num=100),
        ),
    ),
)
