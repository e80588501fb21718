# SlowFast R50, and CLIP ViT-B/32 adapted by ActPrompt instead of the frozen CLIP of
# clip_slowfast.py; the action prompts read the SlowFast features. MMVTG_HOOKS names
# the checkpoint of the pretext training.
_base_ = './clip_slowfast.py'
encoding = dict(
    streams=dict(
        clip=dict(
            tower=dict(
                hooks=[
                    dict(
                        type='ActionPrompt',
                        motion_dim=2304,
                        text_width=512,
                        width=768,
                        num_layers=12,
                    ),
                    dict(type='TemporalPrompt', neighbours=1, width=768, num_layers=12),
                ],
                hook_weights='{{$MMVTG_HOOKS:work_dirs/actprompt.pth}}',
                chunk_size=128,
            ),
            motion='slowfast',
        )
    )
)
