# VDI on MMN on MovingShapes over the tiny CLIP. The map sees SlowFast's vectors, too;
# the injections see the tiny CLIP alone.
_base_ = [
    '../mmn/mmn_tiny-clip-slowfast_1xb4-12e_moving-shapes.py',
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
train_pipeline = [
    {{_base_.load_features}},
    dict(type='CleanMoments'),
    {{_base_.split_query}},
    dict(type='TokenizeQuery'),
    {{_base_.pack}},
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
