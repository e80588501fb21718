# The same pyramid and heads without the R2 block ("w/o tuning" of the paper's Table 9):
# the class token of CLIP's last layer, the words, one transformer layer.
_base_ = ['./r2-tuning_tiny-clip-k4_1xb32-10e_moving-shapes.py']

model = dict(neck=dict(num_steps=1, spatial_pooling=False))
# of the store only what this model reads
encoding = dict(streams=dict(video=dict(num_layers=1, class_token=True)))
