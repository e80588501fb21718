"""What each benchmark's annotation files say about a scene."""

from typing import Any, Dict, List, Tuple

import numpy as np

from .language import Meaning, describe, runs, sample_meanings, say, true_clips
from .motion import actor_poses
from .scene import FPS, GRID, RESOLUTION, Scene, hidden_fraction
from .vocabulary import ACTIONS, COLOURS, SHAPES

SPLITS = ('train', 'val', 'test', 'novel_composition', 'novel_word')
#: Classes of the set in which those who act are told apart, not what they do.
LOOKS = tuple(f'{colour}_{shape}' for colour in COLOURS for shape in SHAPES)
_ANNOTATORS, _TVSUM_ANNOTATORS = 3, 20
#: Query ids of a split start at a million times its place in ``SPLITS``, from one on.
QID_BLOCK, _QIDS_PER_VIDEO = 1_000_000, 8


def video_id(split: str, index: int) -> str:
    """Id of the ``index``-th video of a split, the same for all sizes."""
    return f'{split}_{index:05d}'


def annotate(rng: np.random.Generator, scene: Scene, split: str, index: int) -> dict:
    """Everything that the annotation files need to know of a video.

    Args:
        rng: source of randomness.
        scene: the scene.
        split: one of ``SPLITS``.
        index: place of the video in the split.

    Returns:
        dict: ``vid``, ``split``, ``duration`` (s), ``queries`` (QVHighlights lines),
        ``segments``, ``look_segments`` and ``clips`` (lists of (start s, end s,
        class)), ``tvsum`` (a line of the TVSum file), ``caption``.
    """
    vid, novel_word = video_id(split, index), split == 'novel_word'
    meanings = sample_meanings(rng, scene, split == 'novel_composition')
    first_qid = (SPLITS.index(split) + 1) * QID_BLOCK + index * _QIDS_PER_VIDEO
    queries = []
    for offset, meaning in enumerate(meanings):
        true = true_clips(scene, meaning)
        queries.append(
            dict(
                qid=first_qid + offset,
                query=say(rng, scene, meaning, novel_word),
                duration=scene.duration,
                vid=vid,
                relevant_windows=runs(true),
                relevant_clip_ids=np.flatnonzero(true).tolist(),
                saliency_scores=saliency(rng, scene, meaning),
            )
        )
    caption = describe(rng, scene, novel_word)
    return dict(
        vid=vid,
        split=split,
        duration=scene.duration,
        queries=queries,
        segments=segments(scene),
        look_segments=look_segments(scene),
        clips=pure_clips(scene),
        tvsum=tvsum_line(rng, scene, vid, caption),
        caption=caption,
    )


def saliency(
    rng: np.random.Generator, scene: Scene, meaning: Meaning
) -> List[List[int]]:
    """Scores 0 to 4 of three simulated annotators for each true clip, ``(N, 3)``.

    An annotator likes the middle of an action, big actors and a free view of them, has
    a taste of his own, and wavers.
    """
    worth = np.mean([_clause_worth(scene, clause) for clause in meaning], axis=0)
    worth = worth[true_clips(scene, meaning)]
    taste = rng.normal(0, 0.6, _ANNOTATORS)
    noise = rng.normal(0, 0.7, (len(worth), _ANNOTATORS))
    scores = np.rint(4 * worth[:, None] + taste + noise)
    return np.clip(scores, 0, 4).astype(int).tolist()


def _clause_worth(scene: Scene, clause: Any) -> np.ndarray:
    """How well a clause can be seen in each clip, ``(T,)`` in [0, 1]."""
    worth = np.zeros(scene.duration // GRID)
    for actor in filter(clause.fits, scene.actors):
        others = [other for other in scene.actors if other is not actor]
        for action in actor.actions:
            if action.kind != clause.action:
                continue
            for clip in range(int(action.start) // GRID, int(action.end) // GRID):
                times = clip * GRID + (np.arange(4) + 0.5) / 2
                poses = actor_poses(actor, times)
                hidden = hidden_fraction(poses, [actor_poses(o, times) for o in others])
                progress = (times.mean() - action.start) / (action.end - action.start)
                bigness = np.clip((poses[:, 2].mean() - 10) / 12, 0, 1)
                value = 0.3 + 0.55 * np.sin(np.pi * progress) + 0.2 * bigness
                worth[clip] = max(worth[clip], value - 0.35 * hidden)
    return np.clip(worth, 0, 1)


def active_classes(scene: Scene) -> np.ndarray:
    """Which action classes somebody performs in each clip, ``(T, 10)`` bool."""
    active = np.zeros((scene.duration // GRID, len(ACTIONS)), dtype=bool)
    for actor in scene.actors:
        for action in actor.actions:
            clips = slice(int(action.start) // GRID, int(action.end) // GRID)
            active[clips, ACTIONS.index(action.kind)] = True
    return active


def segments(scene: Scene) -> List[Tuple[int, int, str]]:
    """All (start, end, class) in order; overlapping ones of a class are one."""
    found = [
        (start, end, ACTIONS[column])
        for column, clips in enumerate(active_classes(scene).T)
        for start, end in runs(clips)
    ]
    return sorted(found)


def look_segments(scene: Scene) -> List[Tuple[int, int, str]]:
    """(start, end, look) of each action in order, one of ``LOOKS``."""
    found = [
        (int(action.start), int(action.end), f'{actor.colour}_{actor.shape}')
        for actor in scene.actors
        for action in actor.actions
    ]
    return sorted(found)


def pure_clips(scene: Scene) -> List[Tuple[int, int, str]]:
    """Maximal (start, end, class) during which exactly one class can be seen."""
    active = active_classes(scene)
    alone = active & (active.sum(axis=1, keepdims=True) == 1)
    found = [
        (start, end, ACTIONS[column])
        for column, clips in enumerate(alone.T)
        for start, end in runs(clips)
    ]
    return sorted(found)


def tvsum_line(
    rng: np.random.Generator, scene: Scene, vid: str, title: str
) -> Dict[str, Any]:
    """A line of the TVSum file: 20 importance scores 1 to 5 for each clip of 2 s.

    Importance is what moves: number of acting actors and the change of their poses. The
    domain is the class that fills most of the video.
    """
    times = np.arange(0, scene.duration * FPS) / FPS
    change = np.zeros(scene.duration // GRID)
    for actor in scene.actors:
        scale = np.array([RESOLUTION, RESOLUTION, 25, 2 * np.pi, 1.0])
        poses = actor_poses(actor, times)[:, : len(scale)] / scale
        steps = np.abs(np.diff(poses, axis=0, append=np.nan))
        steps = np.nan_to_num(steps).sum(axis=1).reshape(-1, GRID * FPS)
        change += np.minimum(2.0 * steps.sum(axis=1), 1.0)
    acting = active_classes(scene)
    worth = 1 + 1.3 * np.minimum(acting.sum(axis=1), 2) + 0.7 * change
    taste = rng.normal(0, 0.5, _TVSUM_ANNOTATORS)
    noise = rng.normal(0, 0.7, (len(worth), _TVSUM_ANNOTATORS))
    scores = np.clip(np.rint(worth[:, None] + taste + noise), 1, 5)
    return dict(
        qid=vid,
        query=title,
        duration=scene.duration,
        vid=vid,
        relevant_clip_ids=None,
        relevant_windows=None,
        label=scores.tolist(),
        domain=ACTIONS[int(acting.sum(axis=0).argmax())],
    )
