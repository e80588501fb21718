"""The timeline picture and film, their visualizer and hook; histograms of data sets."""

from .dataset_histograms import draw_histograms
from .detection_hook import DetectionPictureHook
from .detections import draw_detections
from .grounding_visualizer import GroundingVisualizer, timeline_of
from .hook import TimelineHook
from .summary_video import write_summary_video
from .thumbnails import read_thumbnails
from .timeline import Timeline, draw_timeline
from .timeline_video import write_timeline_video

__all__ = [
    'DetectionPictureHook',
    'GroundingVisualizer',
    'Timeline',
    'TimelineHook',
    'draw_detections',
    'draw_histograms',
    'draw_timeline',
    'read_thumbnails',
    'timeline_of',
    'write_summary_video',
    'write_timeline_video',
]
