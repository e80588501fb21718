# ActPrompt over the tiny CLIP and the tiny SlowFast of MovingShapes.
_base_ = './actprompt.py'

clip = dict(model='tiny-clip', pretrained='shipped')
model = dict(
    vision_tower=dict(**clip),
    text_tower=dict(**clip),
    # the tiny CLIP's sentences are much alike: a flat softmax tells them apart slowly
    losses=dict(
        contrast=dict(temperature=0.05),
        ranking=dict(temperature=0.05, loss_weight=5.0),
    ),
)
