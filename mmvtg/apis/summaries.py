"""Summaries of videos from predicted saliency."""

from typing import Any

import numpy as np

from mmvtg.evaluation.functional.summary import BUDGET, even_shots, select_summary
from mmvtg.visualization import write_summary_video


def summarise(
    prediction: dict[str, Any],
    out_file: str | None = None,
    share: float = BUDGET,
    shot: float = 2.0,
) -> list[list[float]]:
    """Choose the most salient parts of a video, and write them as a film.

    The video is divided into shots of equal length. The value of a shot is the mean
    saliency of its clips, and an exact knapsack selects shots, as in the benchmarks of
    video summarization. Saliency depends on the query; a title of the video can serve
    as one.

    Args:
        prediction (dict): Prediction of :class:`VTGInferencer`, with ``video``,
            ``duration`` (s), ``fps`` (clips per second) and ``saliency`` (one per
            clip).
        out_file (str, optional): MP4 file of the summary, without sound.
        share (float): Maximum fraction of the video.
        shot (float): Length of a shot in seconds, rounded to whole clips.

    Returns:
        list[list[float]]: [start, end] in seconds, by ascending start; adjacent shots
        are joined.

    Raises:
        RuntimeError: If the video cannot be read again.
        ValueError: If ``share`` is not in (0, 1], or is less than one shot.
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
        write_summary_video(prediction['video'], spans, out_file, frame_rate=fps)
    return spans
