"""Towers: CLIP's two halves, and stored features in their place."""

from .clip_text_tower import CLIPTextTower
from .clip_tower import CLIPTower
from .clip_vision_tower import CLIPVisionTower
from .clip_weights import build_clip, read_state_dict
from .distilbert_tower import DistilBertTower
from .frame_tower import FrameTower
from .pretrainer import CaptionPreprocessor, CLIPPretrainer, export_clip
from .projected_tower import ProjectedFeatureTower
from .slowfast_tower import SlowFastTower
from .stored_feature_tower import StoredFeatureTower

__all__ = [
    'CLIPTextTower',
    'CLIPTower',
    'CLIPVisionTower',
    'CLIPPretrainer',
    'CaptionPreprocessor',
    'FrameTower',
    'DistilBertTower',
    'SlowFastTower',
    'ProjectedFeatureTower',
    'StoredFeatureTower',
    'build_clip',
    'export_clip',
    'read_state_dict',
]
