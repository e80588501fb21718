# VDI on MMN on MovingShapes over the tiny CLIP.
_base_ = [
    '../mmn/mmn_tiny-clip_1xb8-12e_moving-shapes.py',
    '../_base_/models/vdi.py',
]

layer = dict(num_heads=4, ffn_channels=192)
model = dict(
    injection=dict(
        type='VisualDynamicInjection',
        context=dict(channels=96, layer=layer, reduction='mean', loss_weight=0.5),
        dynamics=dict(channels=96, num_patches=64, layer=layer, loss_weight=0.01),
    )
)
train_dataloader = dict(dataset=dict(pipeline={{_base_.vdi_train_pipeline}}))
