# ActivityNet v1.3 with CLIP ViT-B/16. Feature files have the names of published ones.
_base_ = ['./activitynet_tad.py', '../features/clip_b16_snippets.py']

clips = dict(
    data_prefix=dict(video='clip_b16_vid'), file_names=dict(video='v_{video_id}.npy')
)
train_dataloader = dict(dataset=clips)
test_dataloader = dict(dataset=clips)
