# CLIP ViT-B/32 adapted by ActPrompt, one vector per clip. Its action prompts read the
# motion of SlowFast R50. MMVTG_HOOKS names the checkpoint of the pretext training.
_base_ = './slowfast_r50.py'
encoding = dict(
    streams=dict(
        _delete_=True,
        motion=dict(
            tower={{_base_.slowfast_tower}},
            frame_size=224,
            sampling='dense',
            row_shape=(2304,),
            auxiliary=True,
        ),
        video=dict(
            tower=dict(
                type='CLIPVisionTower',
                model='ViT-B-32-quickgelu',
                pretrained='openai',
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
            frame_size=224,
            sampling='middle',
            row_shape=(512,),
            motion='motion',
        ),
    )
)
