# QD-DETR: clips read the query, a summary token tells salient clips, anchors decode.
_base_ = ['./moment_detr.py']

channels = 256
layer = dict(num_heads=8, ffn_channels=1024, dropout=0.1, activation='prelu')

model = dict(
    neck=dict(
        _delete_=True,
        type='CrossEncoder',
        video_dims=2304 + 512 + 2,
        query_dims=512,
        channels=channels,
        num_cross_layers=2,
        num_layers=2,
        layer=layer,
        inputs=dict(dropout=0.5, use_tef=False),
        summary_token=True,
        negative_pairs=True,
    ),
    head=dict(
        saliency=dict(type='SummarySaliency'),
        decoder=dict(type='AnchorDecoder', layer=layer),
        losses=dict(
            rank=dict(type='RankContrastLoss', loss_weight=1.0),
            negative=dict(type='NegativePairLoss', loss_weight=1.0),
        ),
    ),
)
