# Efficient-Prompt on UCF-101, split 1, mmaction2's lists of videos.
_base_ = [
    '../_base_/datasets/recognition_features.py',
    '../_base_/features/clip_b16_frames.py',
    '../_base_/models/efficient_prompt.py',
    '../_base_/schedules/efficient_prompt.py',
    '../_base_/default_runtime.py',
]

data_root = '{{$MMVTG_DATA:data}}/ucf101/'
dataset = dict(
    data_root=data_root,
    data_prefix=dict(feature='features'),
    layout='labelled',
    classes='classes.txt',
)
train_dataloader = dict(
    dataset=dict(ann_file='ucf101_train_split_1_videos.txt', **dataset)
)
val_dataloader = dict(dataset=dict(ann_file='ucf101_val_split_1_videos.txt', **dataset))
test_dataloader = val_dataloader
custom_hooks = [dict(type='IterationSeedHook'), dict(type='ClassNamesHook')]
