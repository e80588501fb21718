# THUMOS14 with CLIP ViT-B/16.
_base_ = ['./thumos14_tad.py', '../features/clip_b16_snippets.py']

clips = dict(
    data_prefix=dict(video='clip_b16_vid'), file_names=dict(video='{video_id}.npy')
)
train_dataloader = dict(dataset=clips)
test_dataloader = dict(dataset=clips)
