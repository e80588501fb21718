"""Highlights of YouTube Highlights and TVSum, and video summaries."""

from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from mmvtg.evaluation.functional import VIDEO_PROTOCOLS, score_video
from mmvtg.registry import METRICS
from mmvtg.structures import resample_clips

from .collecting import sort_unique, to_numpy


@METRICS.register_module()
class HighlightMetric(BaseMetric):
    """Mean AP or F-score over the videos of a domain.

    The numbers are those of the benchmarks' own code.

    Needs of a data sample: ``pred_saliency`` and of its metainfo ``query_id,
    video_id, fps``, ``annotator_scores`` (n, A) and ``saliency_clip_length``. If
    prediction and annotation have different lengths, the longer is cut.

    Args:
        protocol (str): 'youtube' (one label a clip, positive if > 0; all clips),
            'tvsum' (A annotators, positive if above the annotator's median; the best
            ``top_k`` clips) or 'summary' (F-score of the best shots that fill
            ``budget``, against each annotator's).
        top_k (int): Used by 'tvsum'.
        budget (float): Used by 'summary': share of the video, above 0, at most 1.
        shot_seconds (float, optional): Used by 'summary': length of a shot; None: one
            annotated clip. A sample's metainfo ``shots`` (n, 2), in annotated clips,
            comes first.
        best_annotator (bool): Used by 'summary': count the best annotator of a video
            (SumMe), not the mean over annotators (TVSum).
        **kwargs: Of mmengine's BaseMetric.

    Raises:
        ValueError: If the protocol is unknown, or top_k or budget is out of range.
    """

    default_prefix = ''  # names carry none; mmengine warns of None

    def __init__(
        self,
        protocol: str,
        top_k: int = 5,
        budget: float = 0.15,
        shot_seconds: Optional[float] = None,
        best_annotator: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if protocol not in VIDEO_PROTOCOLS:
            raise ValueError(
                f"HighlightMetric: protocol '{protocol}' is unknown; choose one of "
                f'{sorted(VIDEO_PROTOCOLS)}'
            )
        if top_k < 1:
            raise ValueError(f'HighlightMetric: top_k = {top_k} must be at least 1')
        if not 0 < budget <= 1:
            raise ValueError(f'HighlightMetric: budget = {budget} is not in (0, 1]')
        self.protocol = protocol
        self.shot_seconds = shot_seconds
        self.options: Dict[str, Any] = dict(
            top_k=top_k, budget=budget, best_annotator=best_annotator
        )

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
            clip_length = sample.get('saliency_clip_length') or 1 / sample['fps']
            scores = resample_clips(
                to_numpy(sample['pred_saliency']), sample['fps'], clip_length
            )
            if not np.isfinite(scores).all():
                raise ValueError(
                    f'HighlightMetric: predicted saliency of sample {qid!r} has '
                    'entries that are not finite'
                )
            seconds = self.shot_seconds or clip_length
            value = score_video(
                scores,
                to_numpy(labels),
                self.protocol,
                shots=sample.get('shots'),
                shot_length=max(round(seconds / clip_length), 1),
                **self.options,
            )
            self.results.append(dict(qid=qid, vid=sample['video_id'], value=value))

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Mean over annotators, then over videos.

        Args:
            results (list[dict]): What :meth:`process` made, of all processes.

        Returns:
            dict: ``mAP`` or ``F1``, a fraction with five decimals.
        """
        results = sort_unique(
            results, key=lambda item: item['qid'], identity=lambda item: item['vid']
        )
        if not results:
            return {}
        mean = float(np.mean([item['value'].mean() for item in results]))
        return {VIDEO_PROTOCOLS[self.protocol]: round(mean, 5)}
