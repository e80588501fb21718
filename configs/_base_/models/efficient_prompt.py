# Efficient-Prompt for recognition on CLIP ViT-B/16 (paper, model A5): 16 + X + 16
# learned vectors, two temporal layers over 16 frames, temperature 0.07.
clip = dict(model='ViT-B-16-quickgelu', pretrained='openai')
temporal = dict(
    type='TemporalTransformer',
    channels=512,
    num_layers=2,
    num_heads=8,
    max_frames=16,
    max_gap=15,
)
model = dict(
    type='ActionRecognizer',
    temporal=temporal,
    classifier=dict(
        type='ClassNameClassifier',
        temperature=0.07,
        text_tower=dict(
            type='CLIPTextTower',
            hooks=[dict(type='ContextPrompt', width=512, num_before=16, num_after=16)],
            **clip,
        ),
    ),
)
