# The tiny CLIP adapted by deep visual prompt tuning: eight learned prompts before each
# layer. MMVTG_HOOKS names the checkpoint of the pretext training.
_base_ = './vanilla-prompt.py'
encoding = dict(
    streams=dict(
        video=dict(
            tower=dict(
                hooks=[
                    dict(
                        type='VisualPrompt',
                        width=128,
                        num_layers=6,
                        num_prompts=8,
                        deep=True,
                    )
                ]
            )
        )
    )
)
