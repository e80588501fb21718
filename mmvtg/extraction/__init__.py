"""Videos and queries -> stored features."""

from .decoding import VideoItem, decode_ahead
from .extractor import ExtractionReport, FeatureExtractor
from .manifest import MANIFEST, claim_folder, read_manifest

__all__ = [
    'ExtractionReport',
    'FeatureExtractor',
    'MANIFEST',
    'VideoItem',
    'claim_folder',
    'decode_ahead',
    'read_manifest',
]
