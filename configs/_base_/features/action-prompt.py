# The tiny CLIP adapted by action prompts without temporal prompts; see actprompt.py.
_base_ = './tiny_slowfast.py'
encoding = dict(
    streams=dict(
        motion=dict(auxiliary=True),
        video=dict(
            tower=dict(
                type='CLIPVisionTower',
                model='tiny-clip',
                pretrained='shipped',
                hooks=[
                    dict(
                        type='ActionPrompt',
                        motion_dim=96,
                        text_width=96,
                        width=128,
                        num_layers=6,
                    )
                ],
                hook_weights='{{$MMVTG_HOOKS:work_dirs/actprompt.pth}}',
                chunk_size=128,
            ),
            frame_size=64,
            row_shape=(96,),
            motion='motion',
        ),
    ),
    query=dict(
        _delete_=True,
        tower=dict(
            type='CLIPTextTower',
            model='tiny-clip',
            pretrained='shipped',
            hooks=[dict(type='LayerTap', num_layers=1)],
        ),
    ),
)
