"""mmvtg: say what happens in a video and learn when it happens."""

from .compat import apply_mends
from .version import __version__

apply_mends()

__all__ = ['__version__']
