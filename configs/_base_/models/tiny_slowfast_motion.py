# Motion of MovingShapes by the tiny SlowFast that comes with mmvtg: 96 channels (slow,
# then fast) a clip of 1 s, from 16 frames in 2 s around its middle. In the config of a
# model that reads motion it says where the motion of a raw video comes from.
_base_ = ['./tiny_slowfast.py']
motion_extractor = dict(
    frame_size=48,
    sampling='centred',
    clip_frames=16,
    clip_rate=8.0,
    vision_tower=dict(
        type='SlowFastTower',
        backbone={{_base_.slowfast_backbone}},
        pretrained='shipped',
        slow_frames='strided',
        mean=(0.45, 0.45, 0.45),
        std=(0.225, 0.225, 0.225),
        chunk_size=32,
    ),
)
