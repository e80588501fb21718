# The frames themselves, 64 x 64 pixels: trainings of a vision tower read them again and
# again without decoding. For another size:
# --cfg-options encoding.streams.frames.frame_size=SIZE
encoding = dict(
    streams=dict(frames=dict(tower=dict(type='FrameTower'), frame_size=64)),
    query=None,
)
