# ActPrompt on Charades-STA: CLIP ViT-B/32, SlowFast R50, T = 1.
_base_ = [
    '../_base_/datasets/charades_sta_pretext.py',
    '../_base_/features/actprompt_b32.py',
    '../_base_/models/actprompt.py',
    '../_base_/schedules/actprompt_train_only.py',
    '../_base_/default_runtime.py',
]

model = dict(
    vision_tower=dict(hooks={{_base_.encoding.streams.video.tower.hooks}}),
    losses=dict(ranking=dict(loss_weight=10.0)),
)
encoding = dict(
    streams=dict(
        motion=dict(
            store='{{$MMVTG_DATA:data}}/charades_sta/slowfast_features',
            file_name='{video_id}.npz',
        )
    )
)
