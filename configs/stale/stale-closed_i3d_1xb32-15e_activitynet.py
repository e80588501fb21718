# STALE on a closed set with two-stream I3D features.
_base_ = './stale_i3d_1xb32-15e_activitynet.py'

train_dataloader = dict(dataset=dict(classes=None, unseen=()))
test_dataloader = dict(dataset=dict(classes=None))
