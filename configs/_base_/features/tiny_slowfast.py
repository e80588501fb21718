# The motion of configs/_base_/models/tiny_slowfast_motion.py, to be stored.
_base_ = ['../models/tiny_slowfast_motion.py']
fps = 1.0
feature_extractor = {{_base_.motion_extractor}}
