# Two-stream I3D, one row a stride of 4 frames at 30 a second, in windows of 256 that
# overlap by half; the model cuts test videos and joins what it finds.
_base_ = './thumos14_tad_i3d.py'

rows = dict(
    fps=7.5, pipeline=[dict(type='LoadSnippets'), dict(type='PackDetectionInputs')]
)
train_dataloader = dict(dataset=dict(window=256, **rows))
test_dataloader = dict(batch_size=1, dataset=rows)
