# Zero-shot on Kinetics-700: 400 classes to learn from, 300 others to test on, with the
# published lists. No temporal layers: they harm here (paper, table 5).
_base_ = ['efficient-prompt_clip-b16_1xb64-20e_kinetics700.py']

splits = 'datasplits/Open-set Action Recognition/K700'
train_dataloader = dict(dataset=dict(keep=f'{splits}/train.list'))
test_dataloader = dict(dataset=dict(keep=f'{splits}/test.list'))
# unseen classes choose no checkpoint
val_dataloader = val_evaluator = val_cfg = None
model = dict(temporal=None)
