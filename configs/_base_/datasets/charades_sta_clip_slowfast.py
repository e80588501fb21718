# Charades-STA with SlowFast and CLIP features of 1 s clips, as lighthouse has them.
_base_ = ['./charades_sta.py', '../features/clip_slowfast.py']

data_prefix = dict(
    slowfast='slowfast_features', clip='clip_features', query='clip_text_features'
)
file_names = dict(
    slowfast='{video_id}.npz', clip='{video_id}.npz', query='qid{query_id}.npz'
)
features = dict(data_prefix=data_prefix, file_names=file_names)
train_dataloader = dict(dataset=features)
val_dataloader = dict(dataset=features)
test_dataloader = val_dataloader
