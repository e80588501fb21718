# Moment-DETR: one encoder over clips and words, queries that look for moments. The data
# set appends the temporal endpoints to SlowFast and CLIP features.
channels = 256
layer = dict(num_heads=8, ffn_channels=1024, dropout=0.1)

model = dict(
    type='VideoGrounder',
    vision_tower=dict(type='StoredFeatureTower', modality='video'),
    text_tower=dict(type='StoredFeatureTower', modality='text'),
    neck=dict(
        type='JointEncoder',
        video_dims=2304 + 512 + 2,
        query_dims=512,
        channels=channels,
        num_layers=2,
        layer=layer,
        inputs=dict(dropout=0.5, use_tef=False),
    ),
    head=dict(
        type='DETRHead',
        channels=channels,
        decoder=dict(type='QueryDecoder', num_queries=10, num_layers=2, layer=layer),
        losses=dict(
            span=dict(type='SpanL1Loss', loss_weight=10.0),
            giou=dict(type='SpanGIoULoss', loss_weight=1.0),
            label=dict(type='ForegroundCELoss', background_weight=0.1, loss_weight=4.0),
            saliency=dict(type='SaliencyHingeLoss', margin=0.2, loss_weight=1.0),
        ),
        post_processor=dict(type='MomentPostProcessor', round_all=True),
    ),
)
