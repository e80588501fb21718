# The tiny CLIP adapted by a bottleneck after each layer. MMVTG_HOOKS names the
# checkpoint of the pretext training.
_base_ = './vanilla-prompt.py'
encoding = dict(
    streams=dict(
        video=dict(
            tower=dict(
                hooks=[
                    dict(type='Adapter', width=128, num_layers=6, hidden_channels=32)
                ]
            )
        )
    )
)
