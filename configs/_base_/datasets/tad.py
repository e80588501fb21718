# What the sets of temporal action detection have in common; each says where its files
# are. No validation: unseen classes choose nothing.
train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='ActionDetectionDataset'),
)
test_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='ActionDetectionDataset', test_mode=True),
)
test_evaluator = dict(
    type='ActionDetectionMetric',
    thresholds='activitynet',
    proposals=True,
    results_file='detections.json',
)
