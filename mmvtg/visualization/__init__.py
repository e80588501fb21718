"""The timeline picture, its visualizer and its hook; histograms of data sets."""

from .dataset_histograms import draw_histograms
from .detections import DetectionPictureHook, draw_detections
from .hook import TimelineHook
from .thumbnails import read_thumbnails
from .timeline import Timeline, draw_timeline
from .timeline_visualizer import TimelineVisualizer, timeline_of

__all__ = [
    'DetectionPictureHook',
    'Timeline',
    'TimelineHook',
    'TimelineVisualizer',
    'draw_detections',
    'draw_histograms',
    'draw_timeline',
    'read_thumbnails',
    'timeline_of',
]
