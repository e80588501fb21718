# Efficient-Prompt on Kinetics-700: each step compares with 400 of the classes.
_base_ = [
    '../_base_/datasets/recognition_features.py',
    '../_base_/features/clip_b16_frames.py',
    '../_base_/models/efficient_prompt.py',
    '../_base_/schedules/efficient_prompt.py',
    '../_base_/default_runtime.py',
]

data_root = '{{$MMVTG_DATA:data}}/kinetics700/'
dataset = dict(
    data_root=data_root,
    data_prefix=dict(feature='features'),
    layout='labelled',
    classes='label_map_k700.txt',
)
train_dataloader = dict(
    dataset=dict(ann_file='kinetics700_train_list_videos.txt', **dataset)
)
val_dataloader = dict(
    dataset=dict(ann_file='kinetics700_val_list_videos.txt', **dataset)
)
test_dataloader = val_dataloader
custom_hooks = [dict(type='IterationSeedHook'), dict(type='ClassNamesHook')]
