# The tiny CLIP adapted by one learned prompt, the same for every frame; it reads no
# motion. MMVTG_HOOKS names the checkpoint of the pretext training.
_base_ = './tiny_clip.py'
encoding = dict(
    streams=dict(
        video=dict(
            tower=dict(
                hooks=[dict(type='VisualPrompt', width=128, num_layers=6)],
                hook_weights='{{$MMVTG_HOOKS:work_dirs/actprompt.pth}}',
                chunk_size=128,
            )
        )
    )
)
