# Prompts by hand that read like the sentences the tiny CLIP was trained on; nothing to
# train.
_base_ = ['hand-written_tiny-clip_moving-shapes.py']

classes = dict(
    _delete_=True,
    slide_left='sliding to the left',
    slide_right='sliding to the right',
    rise='rising',
    sink='sinking',
    grow='growing',
    shrink='shrinking',
    spin='spinning',
    blink='blinking',
    bounce='bouncing',
    shake='shaking',
)
train_dataloader = dict(dataset=dict(classes=classes))
val_dataloader = dict(dataset=dict(classes=classes))
test_dataloader = dict(dataset=dict(classes=classes))
model = dict(classifier=dict(template='something is {}'))
