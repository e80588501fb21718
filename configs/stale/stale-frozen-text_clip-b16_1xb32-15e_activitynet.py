# Table 5: the text encoder stays as it is, prompts are learned.
_base_ = './stale_clip-b16_1xb32-15e_activitynet.py'

model = dict(classifier=dict(text_tower=dict(frozen=True)))
