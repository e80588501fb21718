# UniVTG: one encoder over clips and words, and every clip says where its moment ends.
channels = 1024

model = dict(
    type='VideoGrounder',
    vision_tower=dict(type='StoredFeatureTower', modality='video'),
    text_tower=dict(type='StoredFeatureTower', modality='text'),
    neck=dict(
        type='JointEncoder',
        video_dims=2304 + 512 + 2,
        query_dims=512,
        channels=channels,
        num_layers=4,
        layer=dict(
            num_heads=8,
            ffn_channels=1024,
            activation='gelu',
            dropout=0.0,
            drop_path=0.1,
        ),
        inputs=dict(dropout=0.5, use_tef=False, token_types=True),
    ),
    head=dict(
        type='UniVTGHead',
        channels=channels,
        losses=dict(
            cls=dict(type='BCELoss', background_weight=0.1, loss_weight=10.0),
            # the authors sum both ends, and both directions: twice their weights
            boundary=dict(type='SpanL1Loss', beta=1.0, loss_weight=20.0),
            giou=dict(type='SpanGIoULoss', loss_weight=1.0),
            saliency=dict(type='SaliencyNCELoss', strict=True, loss_weight=0.05),
            video=dict(type='InfoNCELoss', loss_weight=0.02),
        ),
        post_processor=dict(
            type='MomentPostProcessor',
            nms=dict(kind='hard', iou_threshold=0.7),
            keep=10,
        ),
    ),
)
