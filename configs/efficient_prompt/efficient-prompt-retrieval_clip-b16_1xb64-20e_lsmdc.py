# Efficient-Prompt, retrieval on LSMDC: trained on the 7408 validation clips, tested on
# the 1000 of the public test.
_base_ = [
    '../_base_/datasets/retrieval_features.py',
    '../_base_/features/clip_b16_frames.py',
    '../_base_/models/efficient_prompt_retrieval.py',
    '../_base_/schedules/efficient_prompt.py',
    '../_base_/default_runtime.py',
]

data_root = '{{$MMVTG_DATA:data}}/lsmdc/'
dataset = dict(
    data_root=data_root, data_prefix=dict(feature='features'), layout='lsmdc'
)
train_dataloader = dict(dataset=dict(ann_file='LSMDC16_annos_val.csv', **dataset))
val_dataloader = dict(
    dataset=dict(ann_file='LSMDC16_challenge_1000_publictect.csv', **dataset)
)
test_dataloader = val_dataloader
