# Efficient-Prompt, localisation on THUMOS14, first stage: class-agnostic
# proposals of seen segments. The results file is what the second stage reads.
_base_ = ['efficient-prompt-localisation_clip-b16_1xb32-15e_thumos14.py']

model = dict(
    classifier=dict(_delete_=True, type='NamelessClasses', channels=512),
    head=dict(
        _delete_=True,
        type='AnchorFreeProposalHead',
        channels=512,
        strides=(1, 2, 4, 8, 16, 32),
        candidates=dict(
            type='MaskCandidates',
            nms=dict(kind='gaussian', sigma=0.5, min_score=0.001, max_num=100),
        ),
    ),
)
test_evaluator = dict(results_file='proposals.json')
