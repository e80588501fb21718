# CLIP ViT-B/16 as Efficient-Prompt reads it: one vector per frame, 30 frames a second.
encoding = dict(
    fps=30.0,
    streams=dict(
        video=dict(
            tower=dict(
                type='CLIPVisionTower', model='ViT-B-16-quickgelu', pretrained='openai'
            ),
            frame_size=224,
        )
    ),
    query=None,
)
