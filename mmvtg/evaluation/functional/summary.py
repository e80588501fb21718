"""Video summaries: the F-score of the SumMe and TVSum benchmarks.

The protocol is the one that papers follow since Zhang et al., "Video Summarization with
Long Short-term Memory" (ECCV 2016): a video is cut into shots, a shot is worth the mean
of its frames' scores, shots are chosen by a 0/1 knapsack that holds 15 % of the frames,
and the chosen frames are compared with those of every annotator. TVSum takes the mean
over annotators, SumMe the best one.

A frame here is whatever the annotation counts: a video frame, or a clip.
"""

from typing import Sequence, Union

import numpy as np

#: Share of the frames that a summary may hold.
BUDGET = 0.15


def knapsack(
    values: Sequence[float], sizes: Sequence[int], capacity: int
) -> np.ndarray:
    """Choose items of the highest total value that fit together (exact).

    Among equally good choices, one that leaves out the last items is taken, so items
    worth nothing are left out.

    Args:
        values (Sequence | ndarray): (n,) not negative.
        sizes (Sequence | ndarray): (n,) positive whole numbers.
        capacity (int): Largest total size.

    Returns:
        ndarray: (n,) bool, True for chosen items.
    """
    capacity = max(int(capacity), 0)
    best = np.zeros(capacity + 1)  # by the room there is
    better = np.zeros((len(sizes), capacity + 1), dtype=bool)
    for i, (value, size) in enumerate(zip(values, sizes)):
        if size <= capacity:
            taken = best[: capacity + 1 - size] + value
            better[i, size:] = taken > best[size:]
            best[size:] = np.maximum(taken, best[size:])
    chosen, room = np.zeros(len(sizes), dtype=bool), capacity
    for i in reversed(range(len(sizes))):
        if better[i, room]:
            chosen[i] = True
            room -= sizes[i]
    return chosen


def even_shots(num_frames: int, length: int) -> np.ndarray:
    """Shots of equal length, for annotations that come without shots.

    Args:
        num_frames (int): Of the video.
        length (int): Frames a shot; the last one may be shorter.

    Returns:
        ndarray: (n, 2) int, first frame and the one behind the last.
    """
    start = np.arange(0, num_frames, length)
    return np.stack([start, np.minimum(start + length, num_frames)], axis=1)


def spread_scores(scores: np.ndarray, picks: np.ndarray, num_frames: int) -> np.ndarray:
    """Scores of every n-th frame -> scores of all frames.

    Args:
        scores (ndarray): (T,); a frame has the score of the last picked frame at or
            before it. The longer of scores and picks is cut.
        picks (ndarray): (T',) int, the rising numbers of the scored frames.
        num_frames (int): Of the video.

    Returns:
        ndarray: (num_frames,), 0 before the first pick.
    """
    count = min(len(scores), len(picks))
    index = np.searchsorted(picks[:count], np.arange(num_frames), side='right') - 1
    return np.where(index >= 0, np.asarray(scores, dtype=float)[index], 0.0)


def select_summary(
    scores: np.ndarray, shots: Union[np.ndarray, Sequence], budget: float = BUDGET
) -> np.ndarray:
    """The frames of the best shots that fit into the budget.

    Args:
        scores (ndarray): (N,) of all frames. Negative values are moved up together,
            as a knapsack would never take them.
        shots (ndarray): (n, 2) int, first frame and the one behind the last.
        budget (float): Share of the frames.

    Returns:
        ndarray: (N,) bool.

    Raises:
        ValueError: If a shot is empty or lies outside of the video.
    """
    scores = np.asarray(scores, dtype=float)
    shots = np.asarray(shots, dtype=int).reshape(-1, 2)
    bad = (shots[:, 0] < 0) | (shots[:, 1] <= shots[:, 0]) | (shots[:, 1] > len(scores))
    if bad.any():
        raise ValueError(
            f'shot {shots[bad][0].tolist()} is empty or lies outside of the '
            f'{len(scores)} frames; a shot is [first frame, one behind the last]'
        )
    scores = scores - min(scores.min(initial=0.0), 0.0)
    total = np.concatenate([[0.0], scores.cumsum()])
    sizes = shots[:, 1] - shots[:, 0]
    values = (total[shots[:, 1]] - total[shots[:, 0]]) / sizes
    capacity = int(len(scores) * budget)
    summary = np.zeros(len(scores), dtype=bool)
    for start, end in shots[knapsack(values, sizes, capacity)]:
        summary[start:end] = True
    return summary


def summary_f1(summary: np.ndarray, annotated: np.ndarray) -> np.ndarray:
    """F-score of one summary against each annotator's.

    Args:
        summary (ndarray): (N,) bool; cut or filled with False to the annotation.
        annotated (ndarray): (A, N') bool.

    Returns:
        ndarray: (A,) in [0, 1]; 0 where nothing is shared.
    """
    annotated = np.asarray(annotated, dtype=bool)
    fitted = np.zeros(annotated.shape[1], dtype=bool)
    fitted[: len(summary)] = np.asarray(summary, dtype=bool)[: len(fitted)]
    both = (annotated & fitted).sum(axis=1)
    # 2 P R / (P + R) with P = both / |summary| and R = both / |annotated|
    return 2 * both / np.maximum(fitted.sum() + annotated.sum(axis=1), 1)


def video_summary_f1(
    scores: np.ndarray,
    annotation: np.ndarray,
    shots: Union[np.ndarray, Sequence, None] = None,
    budget: float = BUDGET,
    shot_length: int = 1,
) -> np.ndarray:
    """F-score of predicted scores against annotators' scores or summaries.

    Args:
        scores (ndarray): (T,) predicted, any range; cut to the annotation, or filled
            with the lowest score.
        annotation (ndarray): (T', A). Bool: the annotators' own summaries; numbers:
            their scores, made into summaries by the same shots and budget.
        shots (ndarray | Sequence, optional): (n, 2) int; otherwise all have
            ``shot_length``.
        budget (float): Share of the frames.
        shot_length (int): Frames a shot.

    Returns:
        ndarray: (A,) in [0, 1].
    """
    annotation = np.asarray(annotation)
    count = len(annotation)
    if shots is None:
        shots = even_shots(count, shot_length)
    scores = np.asarray(scores, dtype=float)[:count]
    fitted = np.full(count, scores.min(initial=np.inf) if len(scores) else 0.0)
    fitted[: len(scores)] = scores
    if annotation.dtype != bool:
        columns = [select_summary(column, shots, budget) for column in annotation.T]
        annotation = np.stack(columns, axis=1)
    return summary_f1(select_summary(fitted, shots, budget), annotation.T)
