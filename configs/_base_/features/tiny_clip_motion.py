# The class token of the tiny CLIP's last layer, and beside it the motion of the tiny
# SlowFast. Queries are tokens for a text tower that learns.
_base_ = './tiny_slowfast.py'
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
            num_layers=1,
            class_token=True,
        ),
        motion=dict(separate=True),
    ),
)
