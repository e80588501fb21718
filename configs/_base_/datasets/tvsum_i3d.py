# TVSum with the features of UMT: I3D of frames and of optical flow.
_base_ = ['./tvsum.py', '../features/i3d_umt.py']

data_prefix = dict(rgb='video_features', flow='video_features', query='query_features')
file_names = dict(
    rgb='{video_id}_rgb.npy', flow='{video_id}_opt.npy', query='{video_id}.npz'
)
features = dict(data_prefix=data_prefix, file_names=file_names)
train_dataloader = dict(dataset=features)
val_dataloader = dict(dataset=features)
test_dataloader = val_dataloader
