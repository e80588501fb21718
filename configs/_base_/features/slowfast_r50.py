# SlowFast 8x8 R50 as Moment-DETR and its successors store it: 2304 channels (slow, then
# fast) a clip of 2 s, from 32 frames of it. Weights: mmaction2's checkpoint
# slowfast_r50_8xb8-8x8x1-256e_kinetics400-rgb, with its own normalisation.
fps = 0.5
feature_extractor = dict(
    frame_size=224,
    sampling='dense',
    vision_tower=dict(
        type='SlowFastTower',
        pretrained='{{$SLOWFAST_WEIGHTS:checkpoints/slowfast_r50_8x8_kinetics400.pth}}',
        mean=(0.4851, 0.4561, 0.4060),
        std=(0.2290, 0.2240, 0.2250),
        slow_frames='strided',
    ),
)
