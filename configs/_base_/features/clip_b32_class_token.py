# The class token of CLIP ViT-B/32's last layer, read from the store of four layers that
# R2-Tuning reads. Queries are tokens for a text tower that learns.
_base_ = './clip_b32_k4.py'
encoding = dict(
    streams=dict(video=dict(num_layers=1, class_token=True)),
    query=None,
)
