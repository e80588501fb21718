# ActPrompt on MovingShapes, tiny CLIP and tiny SlowFast, minutes on a CPU.
_base_ = [
    '../_base_/datasets/moving_shapes_pretext.py',
    '../_base_/models/actprompt_tiny_clip.py',
    '../_base_/schedules/actprompt.py',
    '../_base_/default_runtime.py',
]
# shorter moments than the paper's setting would give: half of the time
load_pair = dict(type='LoadMomentPair', max_clips=4)
words = [dict(type='TokenizeQuery'), dict(type='VerbPosition')]
pack = dict(type='PackMomentPair')
train_dataloader = dict(dataset=dict(pipeline=[load_pair, *words, pack]))
val_cfg = dict()
test_cfg = dict()
val_evaluator = dict(type='VideoTextRetrievalMetric')
test_evaluator = val_evaluator
