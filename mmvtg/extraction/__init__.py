"""Videos and queries -> stored features."""

from mmvtg.datasets.feature_store import MANIFEST, read_manifest

from .decoding import VideoItem, decode_ahead
from .extractor import ExtractionReport, FeatureExtractor
from .manifest import claim_folder

__all__ = [
    'ExtractionReport',
    'FeatureExtractor',
    'MANIFEST',
    'VideoItem',
    'claim_folder',
    'decode_ahead',
    'read_manifest',
]
