# SlowFast R50, CLIP ViT-B/32 and PANN audio features, 4864 + 2 channels per clip. PANN
# features have a rate of their own and are stretched to the length of the others.
_base_ = './clip_slowfast.py'
encoding = dict(
    streams=dict(
        pann=dict(
            row_shape=(2048,),
            resample=True,
            normalize=True,
            why_no_tower='mmvtg has no PANNs extractor yet: store its features '
            '(data_prefix.pann) and use tools/test.py, or use the config without audio',
        )
    )
)
