# STALE on features of CLIP ViT-B/16, with the settings of the paper's section 4.
channels = 512
clip = 'ViT-B-16-quickgelu'
num_context = 30
model = dict(
    type='TemporalActionDetector',
    embedding=dict(
        type='TemporalEmbedding',
        in_channels=channels,
        channels=channels,
        layer=dict(type='WideAttention', channels=channels, num_heads=4),
    ),
    classifier=dict(
        type='ClassNameClassifier',
        text_tower=dict(
            type='CLIPTextTower',
            model=clip,
            pretrained='openai',
            frozen=False,
            frozen_words=True,
            hooks=[
                dict(
                    type='ContextPrompt',
                    width=channels,
                    num_before=num_context,
                    num_after=0,
                    init_std=0.02,
                )
            ],
        ),
    ),
    head=dict(
        type='STALEHead',
        channels=channels,
        foreground=dict(
            type='QueryForeground',
            decoder=dict(
                type='MaskDecoder',
                in_channels=channels,
                channels=channels,
                mask_channels=channels,
                num_queries=20,
            ),
        ),
        adaption=dict(type='CrossModalAdaption', channels=channels),
        localizer=dict(type='DynamicMaskLocalizer', channels=channels),
        losses=dict(
            classes=dict(type='SnippetCELoss'),
            masks=dict(type='ActionMaskLoss', dice_weight=0.4),
            foreground=dict(type='BCELoss'),
            consistency=dict(type='BranchConsistencyLoss'),
        ),
        candidates=dict(
            type='MaskCandidates',
            top_clips=10,
            # A threshold of 0 would propose the whole video, which wins all ties.
            mask_thresholds=(0.2, 0.4, 0.6, 0.8),
            nms=dict(kind='gaussian', sigma=0.5, min_score=0.001, max_num=100),
        ),
    ),
)
