# The second pass: the world's symmetries make each stretch many. It goes on from where
# the first one ended: --cfg-options load_from=work_dirs/tiny_slowfast/epoch_18.pth
_base_ = ['./tiny-slowfast_1xb32-18e_moving-shapes.py']

# left and right, up and down, and time run backwards: labels swap with the pictures
mirror = dict(
    type='MirrorAction',
    horizontal=((0, 1),),
    vertical=((2, 3),),
    time=((0, 1), (2, 3), (4, 5)),
    permute_colours=True,
    shift=4,
)
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            {{_base_.draw}},
            mirror,
            dict(type='FramesToImages'),
            {{_base_.pack}},
        ]
    )
)
epochs = 16
train_cfg = dict(max_epochs=epochs)
optim_wrapper = dict(optimizer=dict(lr=1.5e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=50),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        convert_to_iter_based=True,
        begin=0,
        end=epochs,
        T_max=epochs,
        eta_min_ratio=0.01,
    ),
]
