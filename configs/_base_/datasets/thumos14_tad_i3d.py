# As with CLIP, but two-stream I3D features of Kinetics: RGB first, flow second.
_base_ = './thumos14_tad_clip.py'

folders = dict(rgb='i3d_rgb', flow='i3d_flow')
files = dict(rgb='{video_id}.npy', flow='{video_id}.npy')
rows = dict(video=None, rgb=dict(row_shape=(1024,)), flow=dict(row_shape=(1024,)))
train_dataloader = dict(
    dataset=dict(
        data_prefix=folders,
        file_names=files,
        streams=rows,
    ),
)
test_dataloader = dict(
    dataset=dict(
        data_prefix=folders,
        file_names=files,
        streams=rows,
    ),
)
