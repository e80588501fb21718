# Table 5: the text encoder stays as it is, prompts are learned.
_base_ = './stale_tiny-clip_1xb32-20e_moving-shapes.py'

model = dict(classifier=dict(text_tower=dict(frozen=True)))
