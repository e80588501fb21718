"""Videos and queries -> stored features."""

from mmvtg.datasets.store_manifest import MANIFEST, claim_folder, read_manifest
from mmvtg.video.source import FrameSource, VideoItem

from .decoding import decode
from .extractor import FeatureExtractor
from .store_run import ExtractionReport

__all__ = [
    'ExtractionReport',
    'FeatureExtractor',
    'FrameSource',
    'MANIFEST',
    'VideoItem',
    'claim_folder',
    'decode',
    'read_manifest',
]
