# Motion of MovingShapes by the tiny SlowFast of mmvtg: 96 channels (slow, then fast)
# per clip of 1 s, from 16 frames in 2 s around its middle.
_base_ = ['../models/tiny_slowfast.py']
encoding = dict(
    streams=dict(
        motion=dict(
            tower=dict(
                type='SlowFastTower',
                backbone={{_base_.slowfast_backbone}},
                pretrained='shipped',
                slow_frames='strided',
                mean=(0.45, 0.45, 0.45),
                std=(0.225, 0.225, 0.225),
                chunk_size=32,
            ),
            frame_size=48,
            sampling='centred',
            clip_frames=16,
            clip_rate=8.0,
            row_shape=(96,),
        )
    ),
    query=None,
)
