# The frames themselves, 64 x 64 pixels, one a second: what trainings of a vision tower
# read again and again without decoding. Other rates and sizes: --fps, --cfg-options
# feature_extractor.frame_size=.
fps = 1.0
feature_extractor = dict(frame_size=64, vision_tower=dict(type='FrameTower'))
