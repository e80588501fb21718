# Efficient-Prompt, retrieval on Spoken Moments in Time, transcripts as a table with the
# columns video_id and sentence; the validation set is what is tested on.
_base_ = [
    '../_base_/datasets/retrieval_features.py',
    '../_base_/features/clip_b16_frames.py',
    '../_base_/models/efficient_prompt_retrieval.py',
    '../_base_/schedules/efficient_prompt.py',
    '../_base_/default_runtime.py',
]

data_root = '{{$MMVTG_DATA:data}}/smit/'
dataset = dict(data_root=data_root, data_prefix=dict(feature='features'), layout='csv')
train_dataloader = dict(dataset=dict(ann_file='train.csv', **dataset))
val_dataloader = dict(dataset=dict(ann_file='val.csv', **dataset))
test_dataloader = val_dataloader
