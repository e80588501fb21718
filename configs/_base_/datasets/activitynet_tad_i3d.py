# ActivityNet v1.3 with two-stream I3D features of Kinetics.
_base_ = ['./activitynet_tad.py', '../features/i3d.py']

i3d = dict(
    data_prefix=dict(rgb='i3d_rgb', flow='i3d_flow'),
    file_names=dict(rgb='v_{video_id}.npy', flow='v_{video_id}.npy'),
)
train_dataloader = dict(dataset=i3d)
test_dataloader = dict(dataset=i3d)
