# Two-stream I3D, one row a stride of 4 frames at 30 a second, in windows of 256 that
# overlap by half; the model cuts test videos and joins what it finds.
_base_ = './thumos14_tad_clip.py'

folders = dict(rgb='i3d_rgb', flow='i3d_flow')
files = dict(rgb='{video_id}.npy', flow='{video_id}.npy')
rows = dict(video=None, rgb=dict(row_shape=(1024,)), flow=dict(row_shape=(1024,)))
fps = 7.5
pipeline = [dict(type='LoadSnippets'), dict(type='PackDetectionInputs')]
train_dataloader = dict(
    dataset=dict(
        data_prefix=folders,
        file_names=files,
        streams=rows,
        fps=fps,
        window=256,
        pipeline=pipeline,
    ),
)
test_dataloader = dict(
    batch_size=1,
    dataset=dict(
        data_prefix=folders,
        file_names=files,
        streams=rows,
        fps=fps,
        pipeline=pipeline,
    ),
)
