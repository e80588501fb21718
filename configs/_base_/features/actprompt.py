# The tiny CLIP adapted by ActPrompt, one vector per clip. Its action prompts read the
# motion of the tiny SlowFast. MMVTG_HOOKS names the checkpoint of the pretext training.
_base_ = './action-prompt.py'
encoding = dict(
    streams=dict(
        video=dict(
            tower=dict(
                hooks=[
                    dict(
                        type='ActionPrompt',
                        motion_dim=96,
                        text_width=96,
                        width=128,
                        num_layers=6,
                    ),
                    dict(type='TemporalPrompt', neighbours=1, width=128, num_layers=6),
                ]
            )
        )
    )
)
