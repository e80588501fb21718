"""The assembled models."""

from .action_recognizer import ActionRecognizer, VideoEmbedder
from .video_grounder import VideoGrounder

__all__ = ['ActionRecognizer', 'VideoEmbedder', 'VideoGrounder']
