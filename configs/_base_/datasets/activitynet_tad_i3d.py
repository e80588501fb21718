# As with CLIP, but two-stream I3D features of Kinetics: RGB first, flow second.
_base_ = './activitynet_tad_clip.py'

i3d = dict(
    data_prefix=dict(rgb='i3d_rgb', flow='i3d_flow'),
    file_names=dict(rgb='v_{video_id}.npy', flow='v_{video_id}.npy'),
    streams=dict(video=None, rgb=dict(row_shape=(1024,)), flow=dict(row_shape=(1024,))),
)
train_dataloader = dict(dataset=i3d)
test_dataloader = dict(dataset=i3d)
