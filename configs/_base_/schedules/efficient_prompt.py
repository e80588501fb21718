# AdamW at a constant rate. The authors' cosine restarts after 200,000 iterations, of
# which a run on HMDB-51 makes 1,100.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=20, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.01)
)
param_scheduler = []
auto_scale_lr = dict(enable=False, base_batch_size=64)
