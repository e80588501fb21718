# ActPrompt over the tiny CLIP and the tiny SlowFast of MovingShapes.
_base_ = './actprompt.py'

features = '{{$MMVTG_DATA:data}}/moving_shapes/{{$MOVING_SHAPES:demo}}/features'
motion_dim = 96
clip = dict(model='tiny-clip', pretrained='shipped')
tower_size = dict(width=128, num_layers=6)
hooks = [
    dict(type='ActionPrompt', motion_dim=motion_dim, text_width=96, **tower_size),
    dict(type='TemporalPrompt', neighbours=1, **tower_size),
]
model = dict(
    vision_tower=dict(hooks=hooks, **clip),
    text_tower=dict(**clip),
    # the tiny CLIP's sentences are much alike: a flat softmax tells them apart slowly
    losses=dict(
        contrast=dict(temperature=0.05),
        ranking=dict(temperature=0.05, loss_weight=5.0),
    ),
)
feature_extractor = dict(
    frame_size=64,
    sampling='start',
    vision_tower=dict(hooks=hooks, **clip),
    motion=dict(folder=f'{features}/slowfast'),
)
