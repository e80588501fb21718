"""Few-shot trials: some videos of some classes to learn from, the rest to test on."""

from typing import List, Optional, Sequence, Tuple

import numpy as np

from .errors import AnnotationError


def draw_trial(
    labels: Sequence[int],
    shots: int,
    ways: Optional[int] = None,
    trial: int = 0,
    seed: int = 0,
    class_names: Optional[Sequence[str]] = None,
) -> Tuple[List[int], List[int], List[int]]:
    """Draw the classes of a trial and the videos that it learns from.

    Args:
        labels (Sequence[int]): (N,) class of each video.
        shots (int): Videos of a class to learn from.
        ways (int, optional): Classes of the trial; None: all.
        trial (int): Number of the trial; each draws anew.
        seed (int): Of all trials.
        class_names (Sequence[str], optional): For messages.

    Returns:
        tuple: classes ascending; indices of the videos to learn from, ``shots`` of
        each class; indices of the classes' other videos.

    Raises:
        AnnotationError: There are fewer classes than ways, or a drawn class has fewer
            videos than shots.
    """
    rng = np.random.default_rng([seed, trial])
    labels = np.asarray(labels)
    present = np.unique(labels)
    if ways is not None and ways > len(present):
        raise AnnotationError(
            f'trial {trial} asks for {ways} classes and there are {len(present)} with '
            'videos; lower `ways`'
        )
    chosen = present if ways is None else rng.choice(present, ways, replace=False)
    chosen = np.sort(chosen)
    learn: List[int] = []
    for label in chosen:
        videos = np.flatnonzero(labels == label)
        if len(videos) < shots:
            name = class_names[label] if class_names is not None else label
            raise AnnotationError(
                f'trial {trial} asks for {shots} videos of each class and {name!r} has '
                f'{len(videos)}; lower `shots`, or leave the class out with `keep`'
            )
        learn += rng.choice(videos, shots, replace=False).tolist()
    rest = np.flatnonzero(np.isin(labels, chosen))
    rest = rest[~np.isin(rest, learn)]
    return chosen.tolist(), learn, rest.tolist()
