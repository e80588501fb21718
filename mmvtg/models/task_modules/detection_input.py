"""What others found in videos, from files in ActivityNet's layout."""

import json
import math
from typing import Any, Dict, List, Sequence, Tuple

import torch
from torch import Tensor

from mmvtg.registry import TASK_UTILS

Proposals = Dict[str, Tuple[Tensor, Tensor]]


def read_proposals(path: str, max_proposals: int) -> Proposals:
    """Segments with scores, labels ignored.

    Args:
        path (str): JSON, ``results``: {video: [{segment [start s, end s], score}]}.
            Numbers may be text.
        max_proposals (int): Kept of each video, best first.

    Returns:
        dict: video id -> spans (N, 2) float32 s, scores (N,) float32.

    Raises:
        ValueError: The file is malformed; the message names video and segment.
        FileNotFoundError: There is no such file.
    """
    known = {}
    for video, items in _results(path).items():
        if not isinstance(items, list):
            raise ValueError(f'{path}: video {video!r} has no list of segments')
        rows = [_row(item, f'{path}: video {video!r}') for item in items]
        values = torch.tensor(rows, dtype=torch.float64).reshape(-1, 3).float()
        order = values[:, 2].argsort(descending=True, stable=True)[:max_proposals]
        known[video] = values[order, :2], values[order, 2]
    return known


def _results(path: str) -> dict:
    # Not mmengine's `load`, which would run a file that ends in .pkl.
    with open(path, encoding='utf-8') as file:
        try:
            content = json.load(file)
        except (ValueError, RecursionError) as error:
            raise ValueError(f'{path}: not valid JSON ({error})') from error
    results = content.get('results') if isinstance(content, dict) else None
    if not isinstance(results, dict):
        raise ValueError(
            f"{path}: there is no object 'results'; the file must have ActivityNet's "
            'layout, {"results": {video: ...}}'
        )
    return results


def _row(item: Any, where: str) -> List[float]:
    try:
        start, end = item['segment']
        row = [float(start), float(end), float(item['score'])]
    except (TypeError, ValueError, KeyError):
        row = [math.nan]
    if not all(map(math.isfinite, row)):
        raise ValueError(f'{where}: {item!r} has no segment [start, end] and score')
    return row


@TASK_UTILS.register_module()
class VideoClassScores:
    """Class scores of whole videos, mixed into those of clips.

    Detectors are often tested with the labels of a video classifier. Where that one was
    trained on the classes which are to be unseen, what comes out is no zero-shot
    result: name the classifier next to every figure.

    Args:
        path (str): JSON, ``results``: {video: [{label, score}]}, scores >= 0. Labels
            are spelt as the data set says them (``long jump``); a class that a video
            does not list scores 0, underscores are read as blanks.
        weight (float): In (0, 1], how much the video's scores rule. 1 leaves nothing of
            the clips' scores but how likely each shows any class at all.
    """

    def __init__(self, path: str, weight: float = 0.5) -> None:
        if not 0 < weight <= 1:
            raise ValueError(f'weight is {weight}, want 0 < weight <= 1')
        self.path = path
        self.weight = weight
        self._known: Dict[str, Dict[str, float]] = {}

    def __call__(self, scores: Tensor, video: str, classes: Sequence[str]) -> Tensor:
        """Mix: share of a class x (video's share / own share) ** weight, normalised.

        Args:
            scores (Tensor): (T, K) probabilities of clips, background left out.
            video (str): Id.
            classes (Sequence[str]): K names.

        Returns:
            Tensor: (T, K), each clip's sum as before.

        Raises:
            ValueError: The file has no score of the video, or of none of its classes.
        """
        known = self._scores_of(video)
        values = [known.get(_spelling(name), 0.0) for name in classes]
        if not sum(values) > 0:
            raise ValueError(
                f'{self.path}: video {video!r} has no score of any of the '
                f'{len(classes)} classes; are they spelt alike?'
            )
        total = scores.sum(1, keepdim=True)
        own = scores / total.clamp(min=1e-12)
        prior = scores.new_tensor(values) / sum(values)
        mixed = own ** (1 - self.weight) * prior**self.weight
        return total * mixed / mixed.sum(1, keepdim=True).clamp(min=1e-12)

    def _scores_of(self, video: str) -> Dict[str, float]:
        if not self._known:
            self._known = {
                name: _class_scores(items, f'{self.path}: video {name!r}')
                for name, items in _results(self.path).items()
            }
        if video not in self._known:
            raise ValueError(
                f'{self.path}: no scores of video {video!r}; every tested video needs '
                'some'
            )
        return self._known[video]


def _class_scores(items: Any, where: str) -> Dict[str, float]:
    try:
        found = {_spelling(item['label']): float(item['score']) for item in items}
    except (TypeError, ValueError, KeyError):
        found = {'': math.nan}
    if not all(0 <= score < math.inf for score in found.values()):
        raise ValueError(f'{where}: want a list of {{label, score >= 0}}')
    return found


def _spelling(name: str) -> str:
    return str(name).replace('_', ' ').strip()
