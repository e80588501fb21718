# Pretext training on data sets that keep nothing to validate it on.
_base_ = './actprompt.py'

val_dataloader = None
val_cfg = None
val_evaluator = None
test_dataloader = None
test_cfg = None
test_evaluator = None
