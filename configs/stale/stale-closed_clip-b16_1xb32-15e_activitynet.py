# STALE on a closed set: all classes of ActivityNet in training and test.
_base_ = './stale_clip-b16_1xb32-15e_activitynet.py'

train_dataloader = dict(dataset=dict(classes=None, unseen=()))
test_dataloader = dict(dataset=dict(classes=None))
