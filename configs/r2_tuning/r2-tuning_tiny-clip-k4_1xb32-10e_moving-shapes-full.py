# R2-Tuning on the 1000 training videos of MovingShapes `full`. K is
# --cfg-options model.neck.num_steps=K.
_base_ = ['./r2-tuning_tiny-clip-k4_1xb32-10e_moving-shapes.py']

data_root = '{{$MMVTG_DATA:data}}/moving_shapes/full/'
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = dict(dataset=dict(data_root=data_root))
