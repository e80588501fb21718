# Moment-DETR for highlight detection without windows: the saliency of clips alone.
_base_ = ['./moment_detr.py']

model = dict(
    head=dict(
        decoder=None,
        saliency_pairs=('extreme',),
        losses=dict(
            _delete_=True,
            saliency=dict(type='SaliencyHingeLoss', margin=0.2, loss_weight=1.0),
        ),
        post_processor=None,
    ),
)
