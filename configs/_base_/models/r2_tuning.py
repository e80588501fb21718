# R2-Tuning for moment retrieval: the R2 block between stored CLIP layers and a point
# head on a temporal pyramid.
channels = 256
strides = (1, 2, 4, 8)

model = dict(
    type='VideoGrounder',
    vision_tower=dict(type='StoredFeatureTower', modality='video'),
    text_tower=dict(type='StoredFeatureTower', modality='text'),
    neck=dict(
        type='R2Block',
        video_dims=768,
        query_dims=512,
        channels=channels,
        num_steps=4,
        num_heads=8,
        dropout=0.5,
        drop_path=0.1,
    ),
    pyramid=dict(type='TemporalPyramid', channels=channels, strides=strides),
    head=dict(
        type='R2Head',
        channels=channels,
        strides=strides,
        losses=dict(
            cls=dict(type='FocalLoss', gamma=2.0, loss_weight=1.0),
            boundary=dict(type='SpanL1Loss', loss_weight=0.2),
            saliency=dict(type='SaliencyNCELoss', loss_weight=0.1),
            video=dict(type='InfoNCELoss', loss_weight=0.1),
            layer=dict(type='InfoNCELoss', loss_weight=0.1),
        ),
        post_processor=dict(type='MomentPostProcessor', nms=dict(kind='linear')),
        max_moments=50,
    ),
)
