# The class token and the words of the tiny CLIP's last layer, read from the store of
# four layers that R2-Tuning reads.
_base_ = './tiny_clip_k4.py'
encoding = dict(streams=dict(video=dict(num_layers=1, class_token=True)))
