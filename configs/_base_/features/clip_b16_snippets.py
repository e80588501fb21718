# CLIP ViT-B/16 for action detection: one vector per snippet of 16 frames at 30 frames
# per second. STALE does not say which frame stands for a snippet; this is the one
# before its middle. Data sets rescale the snippets of a video to a fixed number, so
# published features of another rate fit as well.
encoding = dict(
    fps=30 / 16,
    streams=dict(
        video=dict(
            tower=dict(
                type='CLIPVisionTower', model='ViT-B-16-quickgelu', pretrained='openai'
            ),
            frame_size=224,
            sampling='middle',
            row_shape=(512,),
        )
    ),
    query=None,
)
