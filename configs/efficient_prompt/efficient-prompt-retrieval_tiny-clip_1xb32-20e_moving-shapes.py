# Efficient-Prompt, retrieval on MovingShapes: a video and its caption.
_base_ = [
    '../_base_/datasets/retrieval_features.py',
    '../_base_/features/tiny_clip_frames.py',
    '../_base_/models/efficient_prompt_retrieval.py',
    '../_base_/schedules/efficient_prompt.py',
    '../_base_/default_runtime.py',
]

data_root = '{{$MMVTG_DATA:data}}/moving_shapes/{{$MOVING_SHAPES:demo}}/'
tokenize = {{_base_.tokenize}}
pack = {{_base_.pack}}
draw = dict(type='DrawStoredFrames', num_frames=16, gaps=(4, 6, 8))
dataset = dict(
    data_root=data_root, data_prefix=dict(feature='features/tiny_clip_frames')
)
train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    dataset=dict(
        ann_file='retrieval/train.jsonl', pipeline=[draw, tokenize, pack], **dataset
    ),
)
test_pipeline = [dict(num_draws=5, **draw), tokenize, pack]
val_dataloader = dict(
    num_workers=1,
    dataset=dict(ann_file='retrieval/val.jsonl', pipeline=test_pipeline, **dataset),
)
test_dataloader = dict(
    num_workers=1,
    dataset=dict(ann_file='retrieval/test.jsonl', pipeline=test_pipeline, **dataset),
)
model = dict(
    temporal=dict(channels=96, num_layers=1, num_heads=4, max_gap=8, init_std=0.1),
    text_tower=dict(
        model='tiny-clip',
        pretrained='shipped',
        hooks=[dict(type='ContextPrompt', width=96, num_before=4, num_after=4)],
    ),
)
train_cfg = dict(max_epochs=20, val_interval=5)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
auto_scale_lr = dict(base_batch_size=32)
default_hooks = dict(
    checkpoint=dict(save_best='retrieval/text_to_video_R@1', rule='greater')
)
