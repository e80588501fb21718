# VDI's Table 3: context alone, found by the whole query.
_base_ = ['./vdi-mmn_clip-b32_4xb12-18e_charades-cg.py']

model = dict(injection=dict(context=dict(context_query='full'), dynamics=None))
