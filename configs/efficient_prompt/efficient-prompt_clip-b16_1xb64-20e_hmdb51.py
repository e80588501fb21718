# Efficient-Prompt on HMDB-51, split 1 (3570 / 1530 videos), stored frame features at 30
# per second, gaps of the authors' code (1 to 4, most often 3). The paper has two layers
# over time (A5), the authors' command for HMDB-51 has one.
_base_ = [
    '../_base_/datasets/recognition_features.py',
    '../_base_/features/clip_b16_frames.py',
    '../_base_/models/efficient_prompt.py',
    '../_base_/schedules/efficient_prompt.py',
    '../_base_/default_runtime.py',
]

data_root = '{{$MMVTG_DATA:data}}/hmdb51/'
dataset = dict(
    data_root=data_root,
    data_prefix=dict(feature='features'),
    file_names=dict(feature='{folder_}/{name}.npy'),
    layout='folder',
    classes='HMDB51_clsname.json',
)
gaps = (1, 2, 3, 3, 3, 4)
pack = {{_base_.pack}}
test_pipeline = [dict(type='DrawStoredFrames', gaps=gaps, num_draws=5), pack]
train_dataloader = dict(
    dataset=dict(
        ann_file='train_split01.txt',
        pipeline=[dict(type='DrawStoredFrames', gaps=gaps), pack],
        **dataset,
    )
)
# the benchmark has no other list to validate on
val_dataloader = dict(
    dataset=dict(ann_file='test_split01.txt', pipeline=test_pipeline, **dataset)
)
test_dataloader = val_dataloader
custom_hooks = [dict(type='IterationSeedHook'), dict(type='ClassNamesHook')]
