# Baseline B-I: BMN of mmaction2 proposes, CLIP with a prompt by hand names. BMN learns
# from segments of seen classes; nothing of the naming is learned.
_base_ = './stale_clip-b16_1xb32-15e_activitynet.py'

model = dict(
    embedding=None,
    classifier=dict(
        template='a video of action {}',
        text_tower=dict(frozen=True, hooks=[]),
    ),
    head=dict(
        _delete_=True,
        type='BMNHead',
        channels=512,
        num_snippets=100,
        candidates=dict(
            type='MaskCandidates',
            nms=dict(kind='gaussian', sigma=0.5, min_score=0.001, max_num=100),
        ),
    ),
)
