"""mmvtg: say what happens in a video and learn when it happens."""

from .version import __version__

__all__ = ['__version__']
