"""The assembled models."""

from .video_grounder import VideoGrounder

__all__ = ['VideoGrounder']
