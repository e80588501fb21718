# Two-stream I3D features for action detection: RGB first, optical flow second, 2048
# channels per snippet.
encoding = dict(
    streams=dict(
        rgb=dict(
            row_shape=(1024,),
            why_no_tower='mmvtg has no I3D tower: store published features '
            '(data_prefix.rgb) and use tools/test.py, or a config of CLIP features',
        ),
        flow=dict(
            row_shape=(1024,),
            why_no_tower='mmvtg has no I3D tower: store published features '
            '(data_prefix.flow) and use tools/test.py, or a config of CLIP features',
        ),
    ),
    query=None,
)
