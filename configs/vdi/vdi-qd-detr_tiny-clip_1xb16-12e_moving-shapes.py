# VDI on another model: the text tower of QD-DETR on MovingShapes, over the tiny CLIP.
# Without VDI: --cfg-options model.injection=None.
_base_ = ['../qd_detr/qd-detr_tiny-clip_1xb16-30e_moving-shapes.py']

clip = dict(model='tiny-clip', pretrained='shipped')
layer = dict(num_heads=4, ffn_channels=192)
model = dict(
    vision_tower=dict(_delete_=True, type='ProjectedFeatureTower', **clip),
    text_tower=dict(_delete_=True, type='CLIPTextTower', frozen=False, **clip),
    injection=dict(
        type='VisualDynamicInjection',
        context=dict(channels=96, layer=layer, reduction='mean', loss_weight=0.5),
        dynamics=dict(channels=96, num_patches=64, layer=layer, loss_weight=0.01),
    ),
)
epochs = 12
train_cfg = dict(max_epochs=epochs, val_interval=4)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(
        type='CosineAnnealingLR',
        begin=0,
        T_max=epochs,
        end=epochs,
        eta_min_ratio=0.02,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'text_tower': dict(lr_mult=0.1)}))

# the text tower reads tokens, and only the losses read patches
encoding = dict(query=None)
train_encoding = dict(streams=dict(video=dict(class_token=False)))
data_prefix = dict(_delete_=True, video='features/tiny_clip_vid_k4', raw='videos')
pack = dict(type='PackGroundingInputs', query_key='token_ids')
train_pipeline = [
    dict(type='LoadStoredFeatures'),
    dict(type='CleanMoments'),
    dict(type='SaliencyTarget'),
    dict(type='SplitQuery'),
    dict(type='TokenizeQuery'),
    pack,
]
test_pipeline = [
    dict(type='LoadStoredFeatures'),
    dict(type='TokenizeQuery'),
    pack,
]
train_dataloader = dict(dataset=dict(data_prefix=data_prefix, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(data_prefix=data_prefix, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(data_prefix=data_prefix, pipeline=test_pipeline))
# R@5 and mean IoU, too, as MMN and VDI report them
val_evaluator = dict(protocol='retrieval')
test_evaluator = dict(protocol='retrieval')
