"""The version of mmvtg."""

__version__ = '0.1.0'
