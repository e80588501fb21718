# One vector per frame in the joint space of the tiny CLIP of mmvtg (configs/tiny_clip),
# and the words of its last layer.
encoding = dict(
    streams=dict(
        video=dict(
            tower=dict(type='CLIPVisionTower', model='tiny-clip', pretrained='shipped'),
            frame_size=64,
            row_shape=(96,),
        )
    ),
    query=dict(
        tower=dict(
            type='CLIPTextTower',
            model='tiny-clip',
            pretrained='shipped',
            hooks=[dict(type='LayerTap', num_layers=1)],
        )
    ),
)
