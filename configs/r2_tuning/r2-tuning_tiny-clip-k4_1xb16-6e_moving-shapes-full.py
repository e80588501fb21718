# R2-Tuning on the 1000 training videos of MovingShapes `full`. K is
# --cfg-options model.neck.num_steps=K.
_base_ = ['./r2-tuning_tiny-clip-k4_1xb16-12e_moving-shapes.py']

data_root = '{{$MMVTG_DATA:data}}/moving_shapes/full/'
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = dict(dataset=dict(data_root=data_root))
# for tools/extract_features.py
extra_ann_files = [
    'qvhighlights/novel_composition.jsonl',
    'qvhighlights/novel_word.jsonl',
]

epochs = 6
train_cfg = dict(max_epochs=epochs, val_interval=3)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(
        type='CosineAnnealingLR',
        begin=0,
        T_max=epochs,
        end=epochs,
        eta_min_ratio=0.02,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
