# SlowFast R50 and CLIP ViT-B/32 as Moment-DETR and its successors join them, 2816 + 2
# channels per clip.
_base_ = './slowfast_r50.py'
encoding = dict(
    # joined in this order and cut to the shortest
    streams=dict(
        slowfast=dict(normalize=True),
        clip=dict(
            tower=dict(
                type='CLIPVisionTower', model='ViT-B-32-quickgelu', pretrained='openai'
            ),
            frame_size=224,
            sampling='middle',
            row_shape=(512,),
            normalize=True,
        ),
    ),
    temporal_endpoints=True,
    query=dict(
        _delete_=True,
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
