# VDI's Table 3: movement alone, read by a transformer.
_base_ = ['./vdi-mmn_clip-b32_4xb12-18e_charades-cg.py']

model = dict(injection=dict(context=None))
