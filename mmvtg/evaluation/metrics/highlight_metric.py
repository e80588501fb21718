"""Highlights of YouTube Highlights and TVSum."""

from typing import Any, Dict, List, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from mmvtg.evaluation.functional import tvsum_ap, youtube_ap
from mmvtg.registry import METRICS
from mmvtg.structures import resample_clips

from .collecting import sort_unique, to_numpy


@METRICS.register_module()
class HighlightMetric(BaseMetric):
    """Mean AP over the videos of a domain, as the benchmarks' own code computes it.

    Needs of a data sample: ``pred_saliency`` and of its metainfo ``query_id,
    video_id, fps``, ``annotator_scores`` (n, A) and ``saliency_clip_length``. If
    prediction and annotation have different lengths, the longer is cut.

    Args:
        protocol (str): 'youtube' (one label a clip, positive if > 0; all clips) or
            'tvsum' (A annotators, positive if above the annotator's median; the best
            ``top_k`` clips).
        top_k (int): Used by 'tvsum'.
        **kwargs: Of mmengine's BaseMetric.

    Raises:
        ValueError: If the protocol is unknown or top_k is not positive.
    """

    def __init__(self, protocol: str, top_k: int = 5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if protocol not in ('youtube', 'tvsum'):
            raise ValueError(
                f"HighlightMetric: protocol '{protocol}' is unknown; choose 'youtube' "
                "or 'tvsum'"
            )
        if top_k < 1:
            raise ValueError(f'HighlightMetric: top_k = {top_k} must be at least 1')
        self.protocol = protocol
        self.top_k = top_k

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score each video.

        Args:
            data_batch: Not used.
            data_samples (Sequence[dict]): Samples with predictions, as dicts.

        Raises:
            ValueError: If a sample has no ``annotator_scores``.
        """
        for sample in data_samples:
            qid = sample['query_id']
            labels = sample.get('annotator_scores')
            if labels is None:
                raise ValueError(
                    f'HighlightMetric: sample {qid!r} has no annotator_scores; the '
                    'annotation file needs "label" or "match" in every line'
                )
            scores = resample_clips(
                to_numpy(sample['pred_saliency']),
                sample['fps'],
                sample.get('saliency_clip_length') or 1 / sample['fps'],
            )
            if not np.isfinite(scores).all():
                raise ValueError(
                    f'HighlightMetric: predicted saliency of sample {qid!r} has '
                    'entries that are not finite'
                )
            self.results.append(
                dict(qid=qid, vid=sample['video_id'], ap=self._ap(scores, labels))
            )

    def _ap(self, scores: np.ndarray, labels: Any) -> np.ndarray:
        """(A,) average precisions of one video."""
        if self.protocol == 'youtube':
            return np.array([youtube_ap(scores, to_numpy(labels))])
        return tvsum_ap(scores, to_numpy(labels), self.top_k)

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Mean over videos, then over annotators.

        Args:
            results (list[dict]): What :meth:`process` made, of all processes.

        Returns:
            dict: ``mAP``, a fraction with five decimals.
        """
        results = sort_unique(
            results, key=lambda item: item['qid'], identity=lambda item: item['vid']
        )
        if not results:
            return {}
        return dict(mAP=round(float(np.mean([item['ap'] for item in results])), 5))
