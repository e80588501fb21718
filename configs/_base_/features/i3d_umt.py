# Two-stream I3D features of UMT, 2048 + 2 channels per clip: RGB and optical flow share
# one norm, words are not normalized.
encoding = dict(
    streams=dict(
        rgb=dict(
            row_shape=(1024,),
            normalize='i3d',
            why_no_tower='mmvtg has no I3D tower: store the published features of UMT '
            '(data_prefix.rgb) and use tools/test.py',
        ),
        flow=dict(
            row_shape=(1024,),
            normalize='i3d',
            why_no_tower='mmvtg has no I3D tower: store the published features of UMT '
            '(data_prefix.flow) and use tools/test.py',
        ),
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
        max_words=100,
    ),
)
