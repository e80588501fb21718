"""The timeline picture, its visualizer and its hook; histograms of data sets."""

from .dataset_histograms import draw_histograms
from .hook import TimelineHook
from .thumbnails import read_thumbnails
from .timeline import Timeline, draw_timeline
from .timeline_visualizer import TimelineVisualizer, timeline_of

__all__ = [
    'Timeline',
    'TimelineHook',
    'TimelineVisualizer',
    'draw_histograms',
    'draw_timeline',
    'read_thumbnails',
    'timeline_of',
]
