# Table 5, no text encoder: random directions instead of class names.
_base_ = './stale_tiny-clip_1xb32-20e_moving-shapes.py'

model = dict(classifier=dict(_delete_=True, type='NamelessClasses', channels=96))
