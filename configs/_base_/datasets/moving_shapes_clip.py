# MovingShapes with one vector per clip, of the tiny CLIP or of an adapted tower:
# MMVTG_CLIPS names the folder below `features`, and the file that describes its tower
# in configs/_base_/features.
_base_ = ['./moving_shapes.py', '../features/{{$MMVTG_CLIPS:tiny_clip}}.py']

features = dict(
    data_prefix=dict(
        video='features/{{$MMVTG_CLIPS:tiny_clip}}',
        query='features/tiny_clip_txt',
        motion='features/slowfast',
    ),
)
# negative pairs and contrasts across the batch want queries of different videos
train_dataloader = dict(
    batch_size=16,
    sampler=dict(_delete_=True, type='DefaultSampler', shuffle=True),
    dataset=features,
)
val_dataloader = dict(dataset=features)
test_dataloader = dict(dataset=features)
