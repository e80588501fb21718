"""Text on pictures: lines that fit, and times that people read."""

import math
from typing import Callable, List

_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


def wrap(
    text: str, width: float, measure: Callable[[str], float], max_lines: int
) -> List[str]:
    """Break text into lines that fit.

    Args:
        text (str): Any text; white space is normalised.
        width (float): Room for a line, in the unit of ``measure``.
        measure (callable): Width of a string.
        max_lines (int): Lines after these are left out; the last one then ends in an
            ellipsis.

    Returns:
        list[str]: The lines, none for empty text.
    """
    lines: List[str] = []
    line = ''
    for word in _pieces(text, width, measure):
        longer = f'{line} {word}' if line else word
        if line and measure(longer) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    if line:
        lines.append(line)
    if len(lines) <= max_lines:
        return lines
    last = lines[max_lines - 1]
    while last and measure(last + ' …') > width:
        last = last[:-1]
    return [*lines[: max_lines - 1], last.rstrip() + ' …']


def _pieces(text: str, width: float, measure: Callable[[str], float]) -> List[str]:
    """Words, those longer than a line in parts."""
    pieces = []
    for word in text.split():
        while measure(word) > width and len(word) > 1:
            cut = len(word) - 1
            while cut > 1 and measure(word[:cut]) > width:
                cut -= 1
            pieces.append(word[:cut])
            word = word[cut:]
        pieces.append(word)
    return pieces


def format_time(seconds: float, duration: float, decimals: int = 0) -> str:
    """A time in a video: ``8 s``, or ``1:08`` in a video of a minute or more.

    Args:
        seconds (float): The time.
        duration (float): Of the video, seconds.
        decimals (int): Of the seconds.
    """
    seconds = round(max(seconds, 0.0), decimals)
    if duration < 60:
        return f'{seconds:.{decimals}f} s'
    minutes, rest = divmod(seconds, 60)
    width = 2 + (decimals + 1 if decimals else 0)
    shown = f'{rest:0{width}.{decimals}f}'
    if duration < 3600:
        return f'{int(minutes)}:{shown}'
    hours, left = divmod(int(minutes), 60)
    return f'{hours}:{left:02d}:{shown}'


def time_decimals(duration: float) -> int:
    """How exactly times of a video of this duration (s) are written."""
    return 1 if duration < 600 else 0


def time_ticks(duration: float, max_ticks: int = 10) -> List[float]:
    """Round times from 0 to the duration (s), at most about ``max_ticks``."""
    step = next(
        (s for s in _STEPS if duration / s <= max_ticks),
        math.ceil(duration / max_ticks / 3600) * 3600,
    )
    count = math.floor(duration / step + 1e-6)
    return [step * i for i in range(count + 1)]
