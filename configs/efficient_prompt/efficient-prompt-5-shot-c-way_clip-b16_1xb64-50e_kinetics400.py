# 5-shot-c-way on K-400 with the published trials: tools/few_shot.py runs them.
_base_ = ['efficient-prompt_clip-b16_1xb64-20e_kinetics400.py']

num_trials = 10
lists = 'datasplits/Few-shot Action Recognition/5-Shot-C-Way setting/K-400'
file_names = dict(feature='{folder}/{name}.npy')
train_dataloader = dict(
    batch_size=64,
    drop_last=False,
    dataset=dict(
        ann_file=f'{lists}/train/split_{{trial}}.list',
        layout='folder',
        file_names=file_names,
    ),
)
# the videos of a trial's test choose no checkpoint
val_dataloader = val_evaluator = val_cfg = None
train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=50)
