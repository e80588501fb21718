# QVHighlights with SlowFast, CLIP and PANN features. The model appends the temporal
# endpoints: QD-DETR needs them on video and on audio.
_base_ = './qvhighlights_clip_slowfast_pann.py'

encoding = dict(temporal_endpoints=False)
