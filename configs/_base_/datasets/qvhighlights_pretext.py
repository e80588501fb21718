# QVHighlights for the pretext tasks of ActPrompt: 2 s clips.
_base_ = './pretext.py'

data_root = '{{$MMVTG_DATA:data}}/qvhighlights/'
fps = 0.5

train_dataloader = dict(
    dataset=dict(
        ann_file='highlight_train_release.jsonl',
        data_root=data_root,
        fps=fps,
    )
)
