# Efficient-Prompt, retrieval on DiDeMo, sentence by sentence; dataset.join=True makes
# it paragraph retrieval.
_base_ = [
    '../_base_/datasets/retrieval_features.py',
    '../_base_/features/clip_b16_frames.py',
    '../_base_/models/efficient_prompt_retrieval.py',
    '../_base_/schedules/efficient_prompt.py',
    '../_base_/default_runtime.py',
]

data_root = '{{$MMVTG_DATA:data}}/didemo/'
dataset = dict(
    data_root=data_root, data_prefix=dict(feature='features'), layout='didemo'
)
train_dataloader = dict(dataset=dict(ann_file='train_data.json', **dataset))
val_dataloader = dict(dataset=dict(ann_file='val_data.json', **dataset))
test_dataloader = dict(dataset=dict(ann_file='test_data.json', **dataset))
