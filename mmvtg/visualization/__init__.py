"""The timeline picture, its visualizer and its hook."""

from .hook import TimelineHook
from .thumbnails import read_thumbnails
from .timeline import Timeline, draw_timeline
from .timeline_visualizer import TimelineVisualizer, timeline_of

__all__ = [
    'Timeline',
    'TimelineHook',
    'TimelineVisualizer',
    'draw_timeline',
    'read_thumbnails',
    'timeline_of',
]
