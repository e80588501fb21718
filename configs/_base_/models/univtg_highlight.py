# UniVTG for highlight detection without windows: the saliency of clips alone.
_base_ = ['./univtg.py']

model = dict(
    head=dict(
        with_boundary=False,
        losses=dict(
            _delete_=True,
            cls=dict(type='BCELoss', background_weight=0.1, loss_weight=10.0),
            saliency=dict(type='SaliencyNCELoss', strict=True, loss_weight=0.05),
            video=dict(type='InfoNCELoss', loss_weight=0.02),
        ),
        post_processor=None,
    ),
)
