# ActPrompt on TACoS: CLIP ViT-B/32, SlowFast R50, T = 1.
_base_ = [
    '../_base_/datasets/tacos_pretext.py',
    '../_base_/features/actprompt_b32.py',
    '../_base_/models/actprompt.py',
    '../_base_/schedules/actprompt_train_only.py',
    '../_base_/default_runtime.py',
]

model = dict(
    vision_tower=dict(hooks={{_base_.encoding.streams.video.tower.hooks}}),
)
encoding = dict(
    streams=dict(
        motion=dict(
            store='{{$MMVTG_DATA:data}}/tacos/slowfast_features',
            file_name='{video_id}.npz',
        )
    )
)
