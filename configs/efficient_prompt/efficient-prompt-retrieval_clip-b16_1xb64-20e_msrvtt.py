# Efficient-Prompt, retrieval on MSRVTT: training-9K, test 1k-A.
_base_ = [
    '../_base_/datasets/retrieval_features.py',
    '../_base_/features/clip_b16_frames.py',
    '../_base_/models/efficient_prompt_retrieval.py',
    '../_base_/schedules/efficient_prompt.py',
    '../_base_/default_runtime.py',
]

data_root = '{{$MMVTG_DATA:data}}/msrvtt/'
dataset = dict(data_root=data_root, data_prefix=dict(feature='features'))
train_dataloader = dict(
    dataset=dict(
        ann_file='MSRVTT_data.json',
        layout='msrvtt',
        video_list='MSRVTT_train.9k.csv',
        **dataset,
    )
)
val_dataloader = dict(
    dataset=dict(ann_file='MSRVTT_JSFUSION_test.csv', layout='csv', **dataset)
)
test_dataloader = val_dataloader
