# Table 5, no text encoder: random directions instead of class names.
_base_ = './stale_clip-b16_1xb32-15e_activitynet.py'

model = dict(classifier=dict(_delete_=True, type='NamelessClasses', channels=512))
