"""Presentation times of the frames of a video, and the search for frames by time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

#: Times closer than this are the same time, as a fraction of the frame interval.
_SAME = 1e-6


@dataclass(frozen=True)
class FrameTimes:
    """When each shown frame appears, in seconds from the player's zero.

    Args:
        times (ndarray): (N,) float64, strictly ascending, N >= 1.
        end (float): End of the last frame in seconds.
        rate (Fraction | None): Frames per second if the rate is constant.
    """

    times: np.ndarray
    end: float
    rate: Fraction | None = None
    frame_rate: float = field(init=False)

    def __post_init__(self) -> None:
        span = self.end - float(self.times[0])
        rate = float(self.rate) if self.rate else len(self.times) / max(span, 1e-9)
        object.__setattr__(self, 'frame_rate', rate)

    def __len__(self) -> int:
        return len(self.times)

    def nearest(self, times: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return the frames that appear nearest to ``times``.

        Halfway between two frames the one with the even number is taken, as Python
        rounds numbers; times outside of the video take its first or last frame.

        Args:
            times (Sequence[float]): (n,) seconds.

        Returns:
            ndarray: (n,) int64 frame numbers.
        """
        numbers = np.arange(len(self), dtype=np.float64)
        positions = np.interp(np.asarray(times, np.float64), self.times, numbers)
        return np.rint(positions.round(6)).astype(np.int64)

    def before(self, times: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return the last frames that appear before ``times``, or else the first frame.

        This is what ffmpeg's ``fps`` filter shows at a tick whose interval ends at
        that time: a frame belongs to the nearest tick, and one halfway between two
        ticks to the later one.
        """
        limits = np.asarray(times, np.float64) - _SAME / self.frame_rate
        return self._clipped(np.searchsorted(self.times, limits, 'left') - 1)

    def shown(self, times: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return the frames that a player shows at ``times``."""
        limits = np.asarray(times, np.float64) + _SAME / self.frame_rate
        return self._clipped(np.searchsorted(self.times, limits, 'right') - 1)

    def _clipped(self, numbers: np.ndarray) -> np.ndarray:
        return numbers.clip(0, len(self) - 1).astype(np.int64)


def frame_times(
    times: np.ndarray,
    last: float | None,
    rates: Sequence[Fraction | None] = (),
    resolution: float = 0.0,
) -> FrameTimes:
    """Build :class:`FrameTimes`, undoing the rounding of a constant rate.

    Args:
        times (ndarray): (N,) seconds, strictly ascending.
        last (float | None): Duration of the last frame in seconds, if known.
        rates (Sequence[Fraction]): Frame rates that the file declares.
        resolution (float): Unit of the container's time stamps in seconds.
    """
    # Matroska rounds to whole milliseconds; a coarser clock (GIF) is what is shown
    tolerance = 1.01 * resolution if resolution < 2e-3 else 0.0
    for rate in filter(None, rates):
        regular = times[0] + np.arange(len(times)) / float(rate)
        if len(times) > 1 and np.abs(regular - times).max() <= tolerance:
            return FrameTimes(regular, float(times[0]) + len(times) / float(rate), rate)
    if not last or last <= 0:
        gaps = np.diff(times)
        declared = next((1 / float(rate) for rate in rates if rate), 0.04)
        last = float(np.median(gaps)) if len(gaps) else declared
    return FrameTimes(times, float(times[-1]) + last)
