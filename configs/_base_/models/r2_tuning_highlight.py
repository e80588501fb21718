# R2-Tuning for highlight detection without windows: one level, no boundary, no temporal
# endpoints; the class of a clip is its saliency.
channels = 256

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
        use_tef=False,
    ),
    pyramid=dict(type='TemporalPyramid', channels=channels, strides=(1,)),
    head=dict(
        type='R2Head',
        channels=channels,
        strides=(1,),
        with_boundary=False,
        losses=dict(
            cls=dict(type='BCELoss', loss_weight=1.0),
            saliency=dict(
                type='SaliencyNCELoss', directions=('clips',), loss_weight=0.1
            ),
            video=dict(type='InfoNCELoss', loss_weight=0.1),
            layer=dict(type='InfoNCELoss', loss_weight=0.1),
        ),
    ),
)
