# TACoS for the pretext tasks of ActPrompt: 2 s clips.
_base_ = './pretext.py'

data_root = '{{$MMVTG_DATA:data}}/tacos/'
fps = 0.5

train_dataloader = dict(
    dataset=dict(
        ann_file='train.jsonl',
        data_root=data_root,
        fps=fps,
        bad_windows='clean',
    )
)
