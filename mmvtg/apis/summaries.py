"""From an answer's saliency to a summary of the video."""

from typing import Any, Dict, List, Optional

import numpy as np

from mmvtg.evaluation.functional.summary import BUDGET, even_shots, select_summary
from mmvtg.visualization import write_summary_video


def summarise(
    prediction: Dict[str, Any],
    out_file: Optional[str] = None,
    share: float = BUDGET,
    shot: float = 2.0,
) -> List[List[float]]:
    """Choose the most salient parts of a video, and film them.

    Shots of equal length are worth the mean saliency of their clips, and an exact
    knapsack fills the share, as the benchmarks of video summarisation do it. What is
    salient depends on the query; where there is none, a title of the video is one.

    Args:
        prediction (dict): One of :class:`VTGInferencer`, with ``video``, ``duration``
            (s), ``fps`` (clips a second) and ``saliency`` (one a clip).
        out_file (str, optional): MP4 file of the summary, without sound.
        share (float): Of the video that the summary may last.
        shot (float): Seconds of a shot, rounded to whole clips.

    Returns:
        list[list[float]]: [start, end] in seconds, in order of time; neighbouring shots
        are one.

    Raises:
        RuntimeError: The video cannot be read again, or no writer is installed.
        ValueError: A share that is not in (0, 1], or that holds no shot.
    """
    saliency, fps = np.asarray(prediction['saliency'], float), prediction['fps']
    if not 0 < share <= 1:
        raise ValueError(f'summarise: share is {share}: want more than 0, at most 1')
    shots = even_shots(len(saliency), max(round(shot * fps), 1))
    chosen = select_summary(saliency, shots, share)
    if not chosen.any():
        raise ValueError(
            f'summarise: {share:g} of {prediction["video"]} '
            f'({prediction["duration"]:.1f} s) holds no shot of {shot:g} s: raise '
            'share, or lower shot'
        )
    edges = np.flatnonzero(np.diff(chosen, prepend=False, append=False))
    seconds = np.minimum(edges / fps, prediction['duration'])
    spans = seconds.reshape(-1, 2).tolist()
    if out_file is not None:
        write_summary_video(prediction['video'], spans, out_file)
    return spans
