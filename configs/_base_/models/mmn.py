# MMN with CLIP: the frozen image tower's stored tokens, a text tower that learns, a 2D
# map of 16 x 16 (Charades-STA). There is no linear layer before the map, as in VDI.
clip = dict(model='ViT-B-32-quickgelu', pretrained='openai')

model = dict(
    type='VideoGrounder',
    vision_tower=dict(type='ProjectedFeatureTower', **clip),
    text_tower=dict(type='CLIPTextTower', frozen=False, **clip),
    neck=dict(
        type='ProposalMap',
        in_channels=512,
        channels=512,
        num_clips=16,
        num_frames=32,
        counts=[15],
        kernel_size=5,
        num_layers=8,
        project=False,
    ),
    head=dict(
        type='MMNHead',
        channels=512,
        query_dims=512,
        embed_dims=256,
        losses=dict(
            iou=dict(type='BCELoss'),
            match=dict(
                type='MutualMatchingLoss',
                num_positives=1,
                margin=0.4,
                temperature=0.1,
                loss_weight=0.05,
            ),
        ),
        target_range=(0.5, 1.0),
        score_power=0.5,
        post_processor=dict(
            type='MomentPostProcessor',
            nms=dict(kind='hard', iou_threshold=0.5, max_picks=10, official_ties=True),
            keep=10,
        ),
    ),
)
