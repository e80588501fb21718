# Efficient-Prompt, localisation on THUMOS14, second stage: proposals of a file get
# classes. Features rescaled as in the shared data set; the paper cuts windows.
_base_ = [
    '../_base_/datasets/thumos14_tad_clip.py',
    '../_base_/schedules/stale.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='TemporalActionDetector',
    embedding=dict(
        type='TemporalTransformer',
        channels=512,
        num_layers=1,
        num_heads=8,
        max_frames=256,
    ),
    classifier=dict(
        type='ClassNameClassifier',
        text_tower=dict(
            type='CLIPTextTower',
            model='ViT-B-16-quickgelu',
            pretrained='openai',
            hooks=[dict(type='ContextPrompt', width=512, num_before=16, num_after=16)],
        ),
    ),
    head=dict(
        type='SegmentNamingHead',
        proposals='{{$MMVTG_DATA:data}}/thumos14/proposals.json',
        candidates=dict(
            type='MaskCandidates',
            nms=dict(kind='gaussian', sigma=0.5, min_score=0.001, max_num=200),
        ),
    ),
)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-4, weight_decay=0.01)
)
train_cfg = dict(max_epochs=15)
