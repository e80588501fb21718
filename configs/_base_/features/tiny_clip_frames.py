# The tiny CLIP's frames of MovingShapes, one vector per frame, 4 frames per second.
encoding = dict(
    fps=4.0,
    streams=dict(
        video=dict(
            tower=dict(type='CLIPVisionTower', model='tiny-clip', pretrained='shipped'),
            frame_size=64,
        )
    ),
    query=None,
)
