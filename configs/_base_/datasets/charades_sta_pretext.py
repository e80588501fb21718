# Charades-STA for the pretext tasks of ActPrompt: 1 s clips.
_base_ = './pretext.py'

data_root = '{{$MMVTG_DATA:data}}/charades_sta/'
fps = 1.0

train_dataloader = dict(
    dataset=dict(
        ann_file='charades_sta_train_tvr_format.jsonl',
        data_root=data_root,
        fps=fps,
        bad_windows='clean',
    )
)
