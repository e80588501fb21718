# 5-shot-5-way on HMDB-51 with the published trials: tools/few_shot.py runs them.
_base_ = ['efficient-prompt_clip-b16_1xb64-20e_hmdb51.py']

num_trials = 200
lists = 'datasplits/Few-shot Action Recognition/5-Shot-5-Way setting/HMDB-51'
file_names = dict(feature='{folder_}/{name}.npy')
train_dataloader = dict(
    batch_size=25,
    drop_last=False,
    dataset=dict(
        ann_file=f'{lists}/train/split_{{trial}}.list',
        layout='folder',
        file_names=file_names,
        classes=None,
    ),
)
test_dataloader = dict(
    dataset=dict(
        ann_file=f'{lists}/test/split_{{trial}}.list',
        layout='folder',
        file_names=file_names,
        classes=None,
    ),
)
# the videos of a trial's test choose no checkpoint
val_dataloader = val_evaluator = val_cfg = None
train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=50)
