# THUMOS14 with two-stream I3D features of Kinetics.
_base_ = ['./thumos14_tad.py', '../features/i3d.py']

i3d = dict(
    data_prefix=dict(rgb='i3d_rgb', flow='i3d_flow'),
    file_names=dict(rgb='{video_id}.npy', flow='{video_id}.npy'),
)
train_dataloader = dict(dataset=i3d)
test_dataloader = dict(dataset=i3d)
