# Table 3 and 4: the annotated foreground in place of the predicted one, in test as
# well. An upper bound, no result of a detector.
_base_ = './stale_tiny-clip_1xb32-20e_moving-shapes.py'

model = dict(head=dict(foreground=dict(_delete_=True, type='AnnotatedForeground')))
