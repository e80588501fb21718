# What VDI adds while training: both injections with the paper's weights, and queries
# cut by their noun chunks. The distance of eq. 2 is a mean over channels: as a sum, the
# loss would be some 250 times the others.
injection = dict(
    type='VisualDynamicInjection',
    context=dict(channels=512, reduction='mean', loss_weight=0.5),
    dynamics=dict(channels=512, num_patches=49, loss_weight=0.01),
    max_frames=32,
)
# the dynamic injection reads the patches of the last layer, the model its class token
train_encoding = dict(streams=dict(video=dict(class_token=False)))
# parses=FILE of tools/dataset_converters/parse_queries.py saves time, and spaCy
split_query = dict(type='SplitQuery', parses=None)
vdi_train_pipeline = [
    dict(type='LoadStoredFeatures', max_clips=100000),
    dict(type='CleanMoments'),
    split_query,
    dict(type='TokenizeQuery'),
    dict(type='PackGroundingInputs', query_key='token_ids'),
]
# without a frozen text tower: it is what the injections teach
vdi_hooks = [
    dict(type='IterationSeedHook'),
    dict(type='LossWeightHook', module='head.losses.match', epochs=7, factor=0.01),
]
