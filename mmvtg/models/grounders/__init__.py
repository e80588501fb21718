"""The assembled models."""

from .action_recognizer import ActionRecognizer, VideoEmbedder
from .temporal_action_detector import TemporalActionDetector
from .video_grounder import VideoGrounder
from .video_text_matcher import VideoTextMatcher
from .video_text_retriever import VideoTextRetriever

__all__ = [
    'ActionRecognizer',
    'TemporalActionDetector',
    'VideoEmbedder',
    'VideoGrounder',
    'VideoTextMatcher',
    'VideoTextRetriever',
]
