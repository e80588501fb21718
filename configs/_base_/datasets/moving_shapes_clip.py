# MovingShapes with one vector a clip, as tiny CLIP or an adapted tower writes them:
# MMVTG_CLIPS names the folder below `features`.
_base_ = './moving_shapes.py'

features = dict(
    data_prefix=dict(
        video='features/{{$MMVTG_CLIPS:tiny_clip}}', query='features/tiny_clip_txt'
    ),
    streams=dict(video=dict(row_shape=(96,)), query=dict()),
)
# negative pairs and contrasts across the batch want queries of different videos
train_dataloader = dict(
    batch_size=16,
    sampler=dict(_delete_=True, type='DefaultSampler', shuffle=True),
    dataset=features,
)
val_dataloader = dict(dataset=features)
test_dataloader = dict(dataset=features)
