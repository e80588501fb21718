# YouTube Highlights with the features of CG-DETR: CLIP first, then SlowFast.
_base_ = ['./youtube_highlights.py', '../features/clip_slowfast_cg_detr.py']

data_prefix = dict(
    clip='clip_features', slowfast='slowfast_features', query='clip_text_features'
)
file_names = dict(
    clip='{video_id}.npz', slowfast='{video_id}.npz', query='{video_id}.npz'
)
features = dict(data_prefix=data_prefix, file_names=file_names)
train_dataloader = dict(dataset=features)
val_dataloader = dict(dataset=features)
test_dataloader = val_dataloader
