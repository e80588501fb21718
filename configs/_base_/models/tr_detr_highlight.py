# TR-DETR for highlight detection without windows: the saliency of clips alone.
_base_ = ['./tr_detr.py']

model = dict(
    head=dict(
        decoder=None,
        saliency_pairs=('extreme',),
        losses=dict(
            _delete_=True,
            saliency=dict(type='SaliencyHingeLoss', margin=0.2, loss_weight=1.0),
            rank=dict(type='RankContrastLoss', loss_weight=1.0),
            align_clips=dict(type='BCELoss', loss_weight=2.0),
            align_videos=dict(type='InfoNCELoss', loss_weight=0.5),
        ),
        post_processor=None,
    ),
)
