# QVHighlights with SlowFast features and those of ActPrompt's tower, 2816 + 2 channels.
_base_ = ['./qvhighlights.py', '../features/actprompt_b32_slowfast.py']

data_prefix = dict(
    slowfast='slowfast_features', clip='actprompt_features', query='clip_text_features'
)
file_names = dict(
    slowfast='{video_id}.npz', clip='{video_id}.npy', query='qid{query_id}.npz'
)
features = dict(data_prefix=data_prefix, file_names=file_names)
train_dataloader = dict(dataset=features)
val_dataloader = dict(dataset=features)
test_dataloader = val_dataloader
