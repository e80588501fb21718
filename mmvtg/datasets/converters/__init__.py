"""Official annotation files -> the one JSON lines schema."""

from .conversion import Conversion
from .durations import read_durations
from .ego4d import convert_ego4d_nlq
from .highlights import TVSUM_VAL, convert_tvsum, convert_youtube, read_split
from .sentences import convert_sentences
from .timestamps import convert_timestamps

__all__ = [
    'TVSUM_VAL',
    'Conversion',
    'convert_ego4d_nlq',
    'convert_sentences',
    'convert_timestamps',
    'convert_tvsum',
    'convert_youtube',
    'read_durations',
    'read_split',
]
