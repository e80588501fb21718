# Efficient-Prompt on Kinetics-400, frames decoded and encoded while training.
_base_ = ['efficient-prompt_clip-b16_1xb64-20e_kinetics400.py']

pack = {{_base_.pack}}
train_dataloader = dict(
    num_workers=8,
    dataset=dict(
        data_prefix=dict(video='videos'), pipeline=[dict(type='DrawVideoFrames'), pack]
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=8,
    dataset=dict(
        data_prefix=dict(video='videos'),
        pipeline=[dict(type='DrawVideoFrames', num_draws=5), pack],
    ),
)
test_dataloader = val_dataloader
encoding = None  # the model encodes the frames that the data set decodes
model = dict(
    vision_tower=dict(
        type='CLIPVisionTower', model='ViT-B-16-quickgelu', pretrained='openai'
    )
)
