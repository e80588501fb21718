# SlowFast 8x8 R50 as Moment-DETR and its successors read it: 2304 channels (slow, then
# fast) per clip, from 32 frames. Weights: mmaction2's checkpoint
# slowfast_r50_8xb8-8x8x1-256e_kinetics400-rgb, with its own normalization.
slowfast_tower = dict(
    type='SlowFastTower',
    pretrained='{{$SLOWFAST_WEIGHTS:checkpoints/slowfast_r50_8x8_kinetics400.pth}}',
    mean=(0.4851, 0.4561, 0.4060),
    std=(0.2290, 0.2240, 0.2250),
    slow_frames='strided',
)
encoding = dict(
    streams=dict(
        slowfast=dict(
            tower=slowfast_tower,
            frame_size=224,
            sampling='dense',
            row_shape=(2304,),
        )
    ),
    query=None,
)
