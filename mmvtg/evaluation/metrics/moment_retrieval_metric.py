"""Moments and highlights of a grounding model, and its submission file."""

import json
import os.path as osp
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from mmvtg.evaluation.functional import evaluate_submission, moment_protocol
from mmvtg.evaluation.functional.table import format_results
from mmvtg.registry import METRICS
from mmvtg.structures import resample_clips
from mmvtg.utils import write_atomic

from .collecting import run_folder, sort_unique, to_numpy


@METRICS.register_module()
class MomentRetrievalMetric(BaseMetric):
    """mAP, recall, mean IoU of moments; mAP and Hit1 of highlights.

    The numbers are those of exactly the submission that is written: windows ``[start,
    end, score]`` and one saliency score per annotated clip, all rounded to
    ``decimals``. Queries without annotated windows are left out of the moment part,
    queries without annotated saliency out of the highlight part. Neither the order of
    the samples nor the number of processes matters.

    Needs of a data sample: ``pred_moments`` (spans, scores) and / or
    ``pred_saliency``, ``gt_moments``, and of its metainfo ``query_id, video_id, query,
    duration, fps`` and, for highlights, ``annotator_scores`` with
    ``saliency_clip_length``.

    Args:
        protocol (str | dict): 'qvhighlights' (the official evaluator), 'retrieval' (its
            variant by UniVTG and R2-Tuning: R1, R5, mIoU, mAP; used for Charades-STA,
            TACoS and Ego4D-NLQ), 'recall' (R1, R5 and mIoU alone), 'ego4d' (IoU must
            exceed the threshold), or one of these with changes, such as
            ``dict(name='recall', strict=True)``.
        clip_length (float): Seconds per saliency score that is written for samples
            without annotated saliency.
        submission_file (str, optional): Where to write the submission, JSON lines. A
            relative path lies in the run's work directory.
        decimals (int): Of all written numbers. Few decimals make ties, which every
            metric here notices; 4 is usual.
        collect_device (str): Of mmengine.
        prefix (str, optional): Of mmengine.

    Raises:
        ValueError: If the protocol is unknown.
    """

    default_prefix = ''  # names carry none; mmengine warns of None

    def __init__(
        self,
        protocol: Union[str, dict] = 'qvhighlights',
        clip_length: float = 2.0,
        submission_file: Optional[str] = None,
        decimals: int = 4,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        moment_protocol(protocol)  # refuses here what it does not know
        self.protocol = protocol
        self.clip_length = clip_length
        self.submission_file = submission_file
        self.decimals = decimals

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Turn predictions into lines of the submission, with their annotation.

        Args:
            data_batch: Not used.
            data_samples (Sequence[dict]): Samples with predictions, as dicts.
        """
        for sample in data_samples:
            prediction = dict(
                qid=sample['query_id'],
                query=sample.get('query', ''),
                vid=sample['video_id'],
            )
            prediction.update(self._moments(sample), **self._saliency(sample))
            self.results.append(dict(pred=prediction, gt=_annotation(sample)))

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Evaluate, log a table and write the submission.

        Args:
            results (list[dict]): What :meth:`process` made, of all processes.

        Returns:
            dict: Flat, percentages, such as ``MR-full-mAP``, ``HL-min-Good-Hit1``.
        """
        results = sort_unique(
            results, key=lambda item: item['pred']['qid'], identity=_identity
        )
        if not results:
            return {}
        submission = [item['pred'] for item in results]
        if self.submission_file is not None:
            self._write(submission, self.submission_file)
        # The annotation has a row for every clip already, whatever a clip's length.
        evaluated = evaluate_submission(
            submission,
            [item['gt'] for item in results],
            self.protocol,
            clip_length=float('inf'),
        )
        logger = MMLogger.get_current_instance()
        table = format_results(evaluated)
        logger.info(f'{len(results)} queries, protocol {self.protocol!r}\n{table}')
        return dict(evaluated['brief'])

    def _moments(self, sample: dict) -> dict:
        moments = sample.get('pred_moments')
        if moments is None:
            return {}
        spans, scores = to_numpy(moments['spans']), to_numpy(moments['scores'])
        rows = np.concatenate([spans.reshape(-1, 2), scores.reshape(-1, 1)], axis=1)
        rows = rows.round(self.decimals)
        # Rounding keeps the order, so rows that came best first stay as they are.
        order = (-rows[:, 2]).argsort(kind='stable')
        return dict(pred_relevant_windows=rows[order].tolist())

    def _saliency(self, sample: dict) -> dict:
        saliency = sample.get('pred_saliency')
        if saliency is None:
            return {}
        length = self.clip_length
        if sample.get('annotator_scores') is not None:
            length = sample.get('saliency_clip_length') or length
        saliency = resample_clips(to_numpy(saliency), sample['fps'], length)
        return dict(pred_saliency_scores=saliency.round(self.decimals).tolist())

    def _write(self, submission: List[dict], path: str) -> None:
        if not osp.isabs(path):
            path = osp.join(run_folder(), path)
        lines = ''.join(json.dumps(line) + '\n' for line in submission)
        write_atomic(path, lines.encode())
        logger = MMLogger.get_current_instance()
        logger.info(f'submission of {len(submission)} queries: {path}')


def _annotation(sample: dict) -> dict:
    """The sample's line of a ground truth file, saliency given for every clip."""
    gt = dict(qid=sample['query_id'], duration=float(sample['duration']))
    moments = sample.get('gt_moments')
    if moments is not None:
        # not to_numpy(), which makes float64
        spans = torch.as_tensor(moments['spans']).detach().cpu().numpy().reshape(-1, 2)
        # The shortest decimal of a float32 is what the annotation file says.
        gt['relevant_windows'] = [[float(str(v)) for v in row] for row in spans]
    scores = sample.get('annotator_scores')
    if scores is not None:
        scores = to_numpy(scores)
        gt['relevant_clip_ids'] = list(range(len(scores)))
        gt['saliency_scores'] = scores.tolist()
    return gt


def _identity(item: dict) -> tuple:
    return item['pred']['vid'], item['pred']['query']
