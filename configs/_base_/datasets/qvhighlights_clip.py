# QVHighlights with the CLIP features of Moment-DETR, 512 + 2 channels.
_base_ = ['./qvhighlights.py', '../features/clip_b32.py']

data_prefix = dict(video='clip_features', query='clip_text_features')
file_names = dict(video='{video_id}.npz', query='qid{query_id}.npz')
features = dict(data_prefix=data_prefix, file_names=file_names)
train_dataloader = dict(dataset=features)
val_dataloader = dict(dataset=features)
test_dataloader = val_dataloader
