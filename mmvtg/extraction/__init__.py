"""Feature extraction: jobs over many videos and queries, into stores."""

from mmvtg.datasets.store_manifest import MANIFEST, claim_folder, read_manifest

from .extractor import FeatureExtractor
from .store_run import ExtractionReport

__all__ = [
    'ExtractionReport',
    'FeatureExtractor',
    'MANIFEST',
    'claim_folder',
    'read_manifest',
]
