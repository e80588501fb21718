"""What goes wrong, and with which moments.

A predicted moment is a *hit* if it takes an annotated one (one to one, best rank
first); else a *duplicate* if it reaches the IoU threshold with an annotated moment that
is taken, a *boundary* error if it only touches one, a *wrong moment* otherwise. An
annotated moment is found at some rank; else it is *touched* or *missed*.
"""

from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

import numpy as np

from .average_precision import assign_detections
from .moment_retrieval import window_iou
from .packing import (
    SubmissionError,
    check_same_qids,
    field_of,
    index_by_qid,
    needed,
    pad_rows,
)

KINDS = ('hit', 'duplicate', 'boundary', 'wrong moment')
FATES = ('found first', 'found later', 'touched', 'missed')


@dataclass(frozen=True)
class ErrorReport:
    """Fates of N annotated moments and kinds of M predicted ones.

    Args:
        top_k (int): Predictions of a query that were looked at.
        iou (float): From this IoU a moment is found.
        near (float): From this IoU it is touched.
        properties (dict): Name -> (N,) numbers of the annotated moments: 'length' (s),
            'position' (of its centre, share of the video), 'words' (of the query),
            'moments' (of the query).
        rank (ndarray): (N,) 1 for found by the first prediction, ..., 0 for not found.
        best_iou (ndarray): (N,) with any of the predictions.
        pred_rank (ndarray): (M,) from 1.
        pred_kind (ndarray): (M,) index into :data:`KINDS`.
        pred_owner (ndarray): (M,) index of the annotated moment that was taken, else of
            the one of highest IoU, else of the nearest in time.
        edge_errors (ndarray): (M, 2) predicted minus annotated start and end of that
            moment, s.
    """

    top_k: int
    iou: float
    near: float
    properties: Dict[str, np.ndarray]
    rank: np.ndarray
    best_iou: np.ndarray
    pred_rank: np.ndarray
    pred_kind: np.ndarray
    pred_owner: np.ndarray
    edge_errors: np.ndarray

    @property
    def fate(self) -> np.ndarray:
        """(N,) index into :data:`FATES`."""
        lost = np.where(self.best_iou >= self.near, 2, 3)
        return np.where(self.rank == 1, 0, np.where(self.rank > 1, 1, lost))


def find_errors(
    submission: Sequence[dict],
    ground_truth: Sequence[dict],
    iou: float = 0.5,
    near: float = 0.1,
    top_k: int = 5,
) -> ErrorReport:
    """Sort predicted and annotated moments by what became of them.

    Args:
        submission (Sequence[dict]): ``qid`` and ``pred_relevant_windows``, best first.
        ground_truth (Sequence[dict]): ``qid``, ``relevant_windows`` (s), ``duration``
            (s) and ``query``. Queries without windows are left out.
        iou (float): From this IoU a moment is found.
        near (float): From this IoU it is touched.
        top_k (int): Predictions of a query to look at.

    Raises:
        SubmissionError: If the queries differ, or a list is empty or malformed.
    """
    pred_of = index_by_qid(submission, 'submission')
    gt_of = index_by_qid(ground_truth, 'ground truth')
    check_same_qids(pred_of, gt_of)
    truth = [entry for entry in gt_of.values() if entry.get('relevant_windows')]
    if not truth:
        raise SubmissionError('ground truth: no query has relevant_windows')
    qids = [entry['qid'] for entry in truth]
    name = 'pred_relevant_windows'
    pred = pad_rows(field_of([pred_of[qid] for qid in qids], name), qids, 3, name)
    name = 'relevant_windows'
    gt = pad_rows(field_of(truth, name), qids, 2, name)
    windows, mask = pred.values[:, :top_k, :2], pred.mask[:, :top_k]
    overlap = window_iou(windows, gt.values)
    overlap = np.where(mask[..., None] & gt.mask[:, None], overlap, -1.0)
    taken = assign_detections(overlap, mask, gt.mask, np.array([iou]))[:, 0]

    found = taken[..., None] == np.arange(gt.mask.shape[1])  # (Q, R, G)
    rank = np.where(found.any(axis=1), found.argmax(axis=1) + 1, 0)
    best = overlap.max(axis=2)
    kind = np.select([taken >= 0, best >= iou, best >= near], [0, 1, 2], default=3)
    owner = np.where(taken >= 0, taken, _nearest(windows, gt.values, overlap))
    owned = np.take_along_axis(gt.values, owner[..., None], axis=1)
    number = np.cumsum(gt.mask).reshape(gt.mask.shape) - 1  # of an annotated moment
    return ErrorReport(
        top_k=top_k,
        iou=iou,
        near=near,
        properties=_properties(truth, gt.values, gt.mask),
        rank=rank[gt.mask],
        best_iou=overlap.max(axis=1)[gt.mask],
        pred_rank=np.broadcast_to(np.arange(mask.shape[1]) + 1, mask.shape)[mask],
        pred_kind=kind[mask],
        pred_owner=np.take_along_axis(number, owner, axis=1)[mask],
        edge_errors=(windows - owned)[mask],
    )


def _nearest(windows: np.ndarray, gt: np.ndarray, overlap: np.ndarray) -> np.ndarray:
    """(Q, R) column of the annotated moment that a prediction goes with."""
    distance = np.abs(windows.mean(axis=2)[:, :, None] - gt.mean(axis=2)[:, None])
    distance /= distance.max(initial=0) + 1  # below 1
    closeness = np.where(overlap < 0, -1.0, 1 - distance)  # -1: padding
    return np.where(overlap > 0, 1 + overlap, closeness).argmax(axis=2)


def _properties(
    truth: Sequence[dict], windows: np.ndarray, mask: np.ndarray
) -> Dict[str, np.ndarray]:
    duration = np.array([float(needed(entry, 'duration')) for entry in truth])
    words = np.array([len(str(entry.get('query') or '').split()) for entry in truth])
    per_query = {'words': words, 'moments': mask.sum(axis=1)}
    properties = {
        'length': (windows[..., 1] - windows[..., 0])[mask],
        'position': (windows.mean(axis=2) / duration[:, None])[mask],
    }
    for name, values in per_query.items():
        properties[name] = np.broadcast_to(values[:, None], mask.shape)[mask]
    if not words.any():
        del properties['words']
    return properties


def make_bins(name: str, values: np.ndarray) -> Tuple[List[str], np.ndarray]:
    """Groups of about equal size with whole limits; fifths of the video for position.

    Args:
        name (str): Property.
        values (ndarray): (N,) its values.

    Returns:
        tuple: Labels of the groups, and (N,) int, the group of each value.
    """
    if name == 'position':
        labels = ['0–20', '20–40', '40–60', '60–80', '80–100']
        return labels, np.clip((values * 5).astype(int), 0, 4)
    if name == 'moments':
        limits = [1, 2, 3]
    else:
        cuts = np.quantile(values, [0.2, 0.4, 0.6, 0.8]) if len(values) else []
        limits = sorted({max(round(float(cut)), 1) for cut in cuts})
    limits = [limit for limit in limits if limit < values.max(initial=0)]
    group = np.searchsorted(limits, values, side='left')
    if not limits:
        return ['all'], group
    step = 0 if name == 'length' else 1  # whole numbers do not share limits
    labels = [_between(0 if step == 0 else 1, limits[0], step)]
    labels += [_between(a + step, b, step) for a, b in zip(limits, limits[1:])]
    return [*labels, f'> {limits[-1]}'], group


def _between(low: int, high: int, step: int) -> str:
    return f'{high}' if step and low >= high else f'{low}–{high}'


def group_errors(report: ErrorReport) -> Dict[str, Dict[str, dict]]:
    """Counts by property and group, for pictures and JSON.

    Returns:
        dict: Property -> group -> ``count`` of annotated moments, ``fates`` (of these,
        by :data:`FATES`) and ``kinds`` (of all predictions nearest to these, by
        :data:`KINDS`).
    """
    grouped: Dict[str, Dict[str, dict]] = {}
    for name, values in report.properties.items():
        labels, group = make_bins(name, values)
        fates = _count(group, report.fate, len(labels), len(FATES))
        owner = group[report.pred_owner]
        kinds = _count(owner, report.pred_kind, len(labels), len(KINDS))
        grouped[name] = {
            label: dict(
                count=int(fates[row].sum()),
                fates=dict(zip(FATES, fates[row].tolist())),
                kinds=dict(zip(KINDS, kinds[row].tolist())),
            )
            for row, label in enumerate(labels)
            if fates[row].any()
        }
    return grouped


def kinds_by_rank(report: ErrorReport) -> np.ndarray:
    """(top_k, 4) counts of the kinds of predictions."""
    return _count(report.pred_rank - 1, report.pred_kind, report.top_k, len(KINDS))


def _count(
    rows: np.ndarray, columns: np.ndarray, height: int, width: int
) -> np.ndarray:
    flat = np.bincount(rows * width + columns, minlength=height * width)
    return flat.reshape(height, width)
