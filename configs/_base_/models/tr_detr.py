# TR-DETR: QD-DETR's layers with refined clips, aligned inputs, and tasks that help each
# other.
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
        num_layers=0,
        layer=layer,
        inputs=dict(dropout=0.5, use_tef=False),
        refine=True,
    ),
    head=dict(
        type='TRDETRHead',
        num_layers=2,
        layer=layer,
        decoder=dict(type='AnchorDecoder', layer=layer),
        losses=dict(
            label=dict(
                _delete_=True, type='FocalLoss', gamma=2.0, alpha=0.25, loss_weight=4.0
            ),
            rank=dict(type='RankContrastLoss', loss_weight=1.0),
            align_clips=dict(type='BCELoss', loss_weight=0.5),
            align_videos=dict(type='InfoNCELoss', loss_weight=0.3),
        ),
    ),
)
