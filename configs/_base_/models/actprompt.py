# ActPrompt over OpenAI's ViT-B/32 and SlowFast R50, as the paper has it; alpha_1 is the
# data set's. A config takes the hooks of the vision tower from its features, so that
# the tower that extracts features is the tower that was trained.
clip = dict(model='ViT-B-32-quickgelu', pretrained='openai')
model = dict(
    type='VideoTextMatcher',
    vision_tower=dict(type='CLIPVisionTower', chunk_size=128, **clip),
    text_tower=dict(type='CLIPTextTower', hooks=[dict(type='TokenTap')], **clip),
    losses=dict(
        contrast=dict(type='QueryContrastLoss'),
        ranking=dict(type='MomentRankingLoss', loss_weight=5.0),
        consistency=dict(type='AttentionConsistencyLoss', loss_weight=200.0),
    ),
)
