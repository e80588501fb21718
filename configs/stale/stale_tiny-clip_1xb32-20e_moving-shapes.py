# STALE on MovingShapes over the tiny CLIP, minutes on one CPU core.
_base_ = [
    '../_base_/datasets/moving_shapes_looks_tad.py',
    '../_base_/models/stale.py',
    '../_base_/schedules/stale.py',
    '../_base_/default_runtime.py',
]

channels = 96
layer = dict(ffn_channels=192, dropout=0.1)
model = dict(
    embedding=dict(
        in_channels=2 * channels,  # CLIP vectors and their changes
        channels=channels,
        layer=dict(channels=channels),
        keep_first=True,
    ),
    classifier=dict(
        text_tower=dict(
            model='tiny-clip',
            pretrained='shipped',
            hooks=[
                dict(
                    type='ContextPrompt',
                    width=channels,
                    num_before=8,
                    num_after=0,
                    init_std=0.02,
                )
            ],
        ),
    ),
    head=dict(
        channels=channels,
        foreground=dict(
            decoder=dict(
                in_channels=channels,
                channels=channels,
                mask_channels=channels,
                layer=layer,
            ),
        ),
        adaption=dict(channels=channels),
        localizer=dict(channels=channels),
        # not 0: the whole video would win each tie, and no instance here is as long
        candidates=dict(mask_thresholds=(0.2, 0.4, 0.6, 0.8)),
    ),
)
train_cfg = dict(max_epochs=20)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
default_hooks = dict(
    checkpoint=dict(interval=10),
    pictures=dict(type='DetectionPictureHook', enable=False),
)
