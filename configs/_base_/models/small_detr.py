# Widths of the DETR-like models on MovingShapes, for one vector a clip (tiny CLIP).
# So short a training does not overfit, and dropout slows it.
small_layer = dict(num_heads=4, ffn_channels=256, dropout=0.0)
small_neck = dict(
    video_dims=128,
    query_dims=96,
    channels=64,
    layer=small_layer,
    inputs=dict(dropout=0.0, use_tef=True, normalize=True),
)
small_head = dict(
    channels=64, decoder=dict(layer=small_layer), post_processor=dict(unit=2.0)
)
