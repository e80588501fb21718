# The last four layers of OpenAI's CLIP ViT-B/32, all tokens, as R2-Tuning publishes
# them: one frame per clip, the one before its middle.
encoding = dict(
    streams=dict(
        video=dict(
            tower=dict(
                type='CLIPVisionTower',
                model='ViT-B-32-quickgelu',
                pretrained='openai',
                hooks=[dict(type='LayerTap', num_layers=4)],
            ),
            frame_size=224,
            sampling='middle',
            # four layers, any number of patches
            row_shape=(4, None, 768),
        )
    ),
    query=dict(
        tower=dict(
            type='CLIPTextTower',
            model='ViT-B-32-quickgelu',
            pretrained='openai',
            hooks=[dict(type='LayerTap', num_layers=4)],
        ),
        row_shape=(4, 512),
    ),
)
