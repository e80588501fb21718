# CLIP ViT-B/32 and SlowFast R50 as CG-DETR joins them for YouTube Highlights: CLIP
# first, words not normalized.
_base_ = './clip_slowfast.py'
encoding = dict(
    streams=dict(
        _delete_=True,
        clip={{_base_.encoding.streams.clip}},
        slowfast={{_base_.encoding.streams.slowfast}},
    ),
    query=dict(normalize=False, max_words=100),
)
