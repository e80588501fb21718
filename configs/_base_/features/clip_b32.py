# CLIP ViT-B/32 as Moment-DETR and its successors read it: one vector per clip, from the
# frame before its middle, and the words of a query before the text projection.
encoding = dict(
    streams=dict(
        video=dict(
            tower=dict(
                type='CLIPVisionTower', model='ViT-B-32-quickgelu', pretrained='openai'
            ),
            frame_size=224,
            sampling='middle',
            row_shape=(512,),
            normalize=True,
        )
    ),
    temporal_endpoints=True,
    query=dict(
        tower=dict(
            type='CLIPTextTower',
            model='ViT-B-32-quickgelu',
            pretrained='openai',
            project_words=False,
        ),
        row_shape=(512,),
        normalize=True,
        max_words=32,
    ),
)
