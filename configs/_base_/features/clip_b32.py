# CLIP ViT-B/32 as Moment-DETR and its successors store it: one vector a clip of 2 s
# from its middle frame, and the words of a query before the text projection.
# tools/extract_features.py makes stores with it.
fps = 0.5
feature_extractor = dict(
    frame_size=224,
    sampling='middle',
    vision_tower=dict(
        type='CLIPVisionTower', model='ViT-B-32-quickgelu', pretrained='openai'
    ),
    text_tower=dict(
        type='CLIPTextTower',
        model='ViT-B-32-quickgelu',
        pretrained='openai',
        project_words=False,
    ),
)
