"""The assembled models."""

from .action_recognizer import ActionRecognizer, VideoEmbedder
from .video_grounder import VideoGrounder
from .video_text_retriever import VideoTextRetriever

__all__ = ['ActionRecognizer', 'VideoEmbedder', 'VideoGrounder', 'VideoTextRetriever']
