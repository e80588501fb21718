# MovingShapes for models of one vector per clip, read from the store of R2-Tuning.
_base_ = ['./moving_shapes.py', '../features/tiny_clip_class_token.py']

# negative pairs and contrasts across the batch want queries of different videos
train_dataloader = dict(
    batch_size=16,
    sampler=dict(_delete_=True, type='DefaultSampler', shuffle=True),
)
