# Efficient-Prompt for retrieval on CLIP ViT-B/16: 4 + X + 4 learned vectors, two
# temporal layers over 16 frames, temperature 0.07.
clip = dict(model='ViT-B-16-quickgelu', pretrained='openai')
model = dict(
    type='VideoTextRetriever',
    temperature=0.07,
    temporal=dict(
        type='TemporalTransformer',
        channels=512,
        num_layers=2,
        num_heads=8,
        max_frames=16,
        max_gap=30,
    ),
    text_tower=dict(
        type='CLIPTextTower',
        hooks=[dict(type='ContextPrompt', width=512, num_before=4, num_after=4)],
        **clip,
    ),
)
