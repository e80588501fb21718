# ActPrompt over OpenAI's ViT-B/32 and SlowFast R50, as the paper has it; alpha_1 is the
# data set's. The same hooks make the features of the grounders.
motion_dim = 2304
clip = dict(model='ViT-B-32-quickgelu', pretrained='openai')
tower_size = dict(width=768, num_layers=12)
hooks = [
    dict(type='ActionPrompt', motion_dim=motion_dim, text_width=512, **tower_size),
    dict(type='TemporalPrompt', neighbours=1, **tower_size),
]
vision_tower = dict(type='CLIPVisionTower', hooks=hooks, chunk_size=128, **clip)
model = dict(
    type='VideoTextMatcher',
    vision_tower=vision_tower,
    text_tower=dict(type='CLIPTextTower', hooks=[dict(type='TokenTap')], **clip),
    losses=dict(
        contrast=dict(type='QueryContrastLoss'),
        ranking=dict(type='MomentRankingLoss', loss_weight=5.0),
        consistency=dict(type='AttentionConsistencyLoss', loss_weight=200.0),
    ),
)
# hook_weights: the checkpoint of the training
feature_extractor = dict(
    frame_size=224,
    sampling='middle',
    vision_tower=dict(
        type='CLIPVisionTower',
        hooks=hooks,
        chunk_size=128,
        hook_weights='{{$MMVTG_HOOKS:work_dirs/actprompt.pth}}',
        **clip,
    ),
)
