"""Video files and folders of images, and their frames at true times.

These modules know numpy, Pillow, PyAV and decord, and nothing else of mmvtg.
"""

from .errors import BadSampleError
from .reader import VideoReader, open_video, probe_video

__all__ = ['BadSampleError', 'VideoReader', 'open_video', 'probe_video']
