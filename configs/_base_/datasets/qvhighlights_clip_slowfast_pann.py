# QVHighlights with SlowFast, CLIP and PANN audio features, 4864 + 2 channels.
_base_ = ['./qvhighlights.py', '../features/clip_slowfast_pann.py']

data_prefix = dict(
    slowfast='slowfast_features',
    clip='clip_features',
    pann='pann_features',
    query='clip_text_features',
)
file_names = dict(
    slowfast='{video_id}.npz',
    clip='{video_id}.npz',
    pann='{video_id}.npy',
    query='qid{query_id}.npz',
)
features = dict(data_prefix=data_prefix, file_names=file_names)
train_dataloader = dict(dataset=features)
val_dataloader = dict(dataset=features)
test_dataloader = val_dataloader
