# The last four layers of the tiny CLIP of mmvtg (configs/tiny_clip), all tokens: what
# R2-Tuning reads.
encoding = dict(
    streams=dict(
        video=dict(
            tower=dict(
                type='CLIPVisionTower',
                model='tiny-clip',
                pretrained='shipped',
                hooks=[dict(type='LayerTap', num_layers=4)],
            ),
            frame_size=64,
        )
    ),
    query=dict(
        tower=dict(
            type='CLIPTextTower',
            model='tiny-clip',
            pretrained='shipped',
            hooks=[dict(type='LayerTap', num_layers=4)],
        )
    ),
)
