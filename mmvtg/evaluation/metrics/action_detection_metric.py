"""Temporal action detection: mAP, and average recall of proposals."""

import json
import os.path as osp
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from mmvtg.evaluation.functional import (
    DETECTION_THRESHOLDS,
    PROPOSAL_THRESHOLDS,
    evaluate_detections,
    evaluate_proposals,
)
from mmvtg.evaluation.functional.average_precision import Thresholds
from mmvtg.evaluation.functional.detection_files import flat_segments
from mmvtg.registry import METRICS
from mmvtg.utils import write_atomic

from .collecting import run_folder, sort_unique, to_numpy


@METRICS.register_module()
class ActionDetectionMetric(BaseMetric):
    """ActivityNet's mAP over IoU thresholds and AR@AN with its area.

    Needs of a data sample, one a video: ``pred_moments`` (spans in s, scores, labels),
    ``gt_moments`` (spans, labels) and of its metainfo ``video_id``. Labels are numbers
    or names of classes. Neither the order of the samples nor the number of processes
    matters.

    Args:
        thresholds (str | Sequence[float]): 'activitynet' (0.5 to 0.95), 'thumos14' (0.3
            to 0.7), 'thumos14_wide' (0.1 to 0.7), or IoUs.
        classes (Sequence, optional): Evaluate these labels alone, on the videos that
            have one of them (zero-shot protocols).
        proposals (bool): Also report AR@AN and AUC, whatever the labels.
        proposal_thresholds (Sequence[float]): IoUs of the average recall.
        max_proposals (int): Largest average number of proposals a video.
        results_file (str, optional): Where to write the detections, in ActivityNet's
            layout. A relative path lies in the run's work directory.
        collect_device (str): Of mmengine.
        prefix (str, optional): Of mmengine.

    Raises:
        ValueError: If the name of the thresholds is unknown.
    """

    default_prefix = ''  # names carry none; mmengine warns of None

    def __init__(
        self,
        thresholds: Union[str, Thresholds] = 'activitynet',
        classes: Optional[Sequence] = None,
        proposals: bool = False,
        proposal_thresholds: Sequence[float] = tuple(PROPOSAL_THRESHOLDS),
        max_proposals: int = 100,
        results_file: Optional[str] = None,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if isinstance(thresholds, str):
            if thresholds not in DETECTION_THRESHOLDS:
                raise ValueError(
                    f"ActionDetectionMetric: thresholds '{thresholds}' are unknown; "
                    f'choose one of {sorted(DETECTION_THRESHOLDS)} or give numbers'
                )
            thresholds = DETECTION_THRESHOLDS[thresholds]
        self.thresholds: Thresholds = thresholds
        self.classes = classes
        self.proposals = proposals
        self.proposal_thresholds = proposal_thresholds
        self.max_proposals = max_proposals
        self.results_file = results_file

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the segments of each video.

        Args:
            data_batch: Not used.
            data_samples (Sequence[dict]): Samples with predictions, as dicts.
        """
        for sample in data_samples:
            pred, gt = sample['pred_moments'], sample['gt_moments']
            scores = to_numpy(pred['scores'])
            rows = _rows(sample['video_id'], pred, scores)
            truth = _rows(sample['video_id'], gt, np.ones(len(gt['labels'])))
            self.results.append(dict(video=sample['video_id'], pred=rows, gt=truth))

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Evaluate, log and write the detections.

        Args:
            results (list[dict]): What :meth:`process` made, of all processes.

        Returns:
            dict: ``mAP@0.5`` ..., ``mAP``, ``AR@100``, ``AUC``, percentages.
        """
        results = sort_unique(
            results, key=lambda item: item['video'], identity=lambda item: item['gt']
        )
        if not results:
            return {}
        detections = flat_segments([row for item in results for row in item['pred']])
        truth = flat_segments([row for item in results for row in item['gt']])
        if self.results_file is not None:
            self._write(results, self.results_file)
        found = evaluate_detections(truth, detections, self.thresholds, self.classes)
        metrics = {f'mAP@{t}': _percent(v) for t, v in found['mAP'].items()}
        metrics['mAP'] = _percent(found['average_mAP'])
        if self.proposals:
            found_any = evaluate_proposals(
                truth, detections, self.proposal_thresholds, self.max_proposals
            )
            for name, value in found_any.items():
                if name.startswith('AR@'):
                    metrics[name] = _percent(value)
            metrics['AUC'] = round(found_any['AUC'], 2)
        MMLogger.get_current_instance().info(
            f'{found["num_videos"]} videos, {found["num_instances"]} instances of '
            f'{len(found["classes"])} classes'
        )
        return metrics

    def _write(self, results: List[dict], path: str) -> None:
        if not osp.isabs(path):
            path = osp.join(run_folder(), path)
        detections = {
            str(item['video']): [
                dict(label=label, score=score, segment=[start, end])
                for _, label, start, end, score in item['pred']
            ]
            for item in results
        }
        content = dict(version='VERSION 1.3', results=detections, external_data={})
        write_atomic(path, json.dumps(content).encode())


def _rows(video: str, moments: Any, scores: np.ndarray) -> List[tuple]:
    """(video, label, start s, end s, score) of each segment.

    Raises:
        ValueError: Numbers differ, or are not finite.
    """
    spans = to_numpy(moments['spans']).reshape(-1, 2)
    labels = moments['labels']
    labels = labels.tolist() if hasattr(labels, 'tolist') else list(labels)
    if not len(spans) == len(labels) == len(scores):
        raise ValueError(
            f'ActionDetectionMetric: video {video!r} has {len(spans)} spans, '
            f'{len(labels)} labels and {len(scores)} scores'
        )
    if not (np.isfinite(spans).all() and np.isfinite(scores).all()):
        raise ValueError(
            f'ActionDetectionMetric: video {video!r} has spans or scores that are not '
            'finite'
        )
    return [
        (video, label, *span, score)
        for label, span, score in zip(labels, spans.tolist(), scores.tolist())
    ]


def _percent(fraction: float) -> float:
    return round(100 * fraction, 2)
