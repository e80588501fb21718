"""What detection is worth that does not watch for actions.

    python tools/analysis_tools/detection_baselines.py configs/stale/b-i_...py

Segments: the whole video, those that are usual in training, or the annotated ones.
Classes: all alike, those that are annotated in the video, or CLIP's choice by the mean
of a segment's features and the config's class names. A detector is worth something
above these; annotated segments or classes are bounds, no results. The config's
classifier must be frozen CLIP with a prompt by hand (B-I).

--detections FILE, the results that a test of one split wrote, adds what they would be
worth if each had the class of the annotation that it overlaps most, or its overlap as
score: what is lost to naming and to ranking.
"""

import argparse
import os.path as osp
import runpy
from typing import Dict, List, Optional, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.config import Config
from torch import Tensor

from mmvtg.datasets.converters.json_files import read_json
from mmvtg.evaluation.functional import (
    DETECTION_THRESHOLDS,
    evaluate_detections,
    evaluate_proposals,
)
from mmvtg.evaluation.functional.baselines import learn_prior
from mmvtg.evaluation.functional.detection_files import (
    flat_segments,
    read_detected_segments,
)
from mmvtg.evaluation.functional.moment_retrieval import window_iou
from mmvtg.models.heads.segment_naming_head import mean_inside, to_clips
from mmvtg.registry import DATASETS, MODELS, register_all_modules
from mmvtg.utils.launch import ConfigOptions, load_config
from mmvtg.utils.tool_main import tool_main

PROTOCOL = osp.join(
    osp.dirname(osp.dirname(osp.abspath(__file__))), 'zero_shot_protocol.py'
)
SCALE = 100.0  # inverse temperature of CLIP


def usual_segments(dataset, top_k: int) -> Tuple[np.ndarray, np.ndarray]:
    """Segments (top_k, 2) as shares of a video and scores (top_k,), of training."""
    items = [dataset.get_data_info(index) for index in range(len(dataset))]
    spans = [item['segments'] / item['duration'] for item in items]
    return learn_prior(np.clip(np.concatenate(spans), 0, 1), top_k, num_bins=20)


def name_segments(
    clips: Tensor, spans: Tensor, duration: float, text: Tensor
) -> Tensor:
    """Class probabilities (N, K) of spans (N, 2) s by CLIP alone."""
    inside = to_clips(spans, (0.0, duration), len(clips))
    clips = F.normalize(clips[:, : text.size(1)], dim=-1)  # CLIP's channels come first
    feature = mean_inside(clips, inside)
    return (SCALE * F.normalize(feature, dim=-1) @ text.T).softmax(-1)


def detect(dataset, text: Tensor, prior: tuple) -> Tuple[list, Dict[str, list]]:
    """Annotations and each baseline's detections (video, class, start, end, score)."""
    truth: List[tuple] = []
    found: Dict[str, list] = {}
    for index in range(len(dataset)):
        item = dataset[index]
        sample, clips = item['data_samples'], item['inputs']['video']
        video, duration = sample.video_id, sample.duration
        real, labels = sample.gt_moments.spans, sample.gt_moments.labels
        truth += _rows(video, real, F.one_hot(labels, len(text)).float())
        segments = {
            'whole video': (torch.tensor([[0.0, duration]]), torch.ones(1)),
            'usual': (torch.tensor(prior[0]) * duration, torch.tensor(prior[1])),
            'annotated': (real, torch.ones(len(real))),
        }
        present = torch.zeros(len(text)).index_fill_(0, labels, 1.0)
        for name, (spans, scores) in segments.items():
            shape = len(spans), len(text)
            classes = {
                'all': torch.ones(shape),
                'annotated': present.expand(shape),
                'CLIP': name_segments(clips, spans, duration, text),
            }
            for way, share in classes.items():
                rows = _rows(video, spans, share * scores.float()[:, None])
                found.setdefault(f'{name} | {way}', []).extend(rows)
    return truth, found


def of_file(path: str, truth: List[tuple]) -> Dict[str, list]:
    """Detections of a file as they are, with true classes, and with true ranks.

    Args:
        path: JSON of :class:`ActionDetectionMetric`, labels are numbers of classes.
        truth: annotations (video, class, start, end, score).

    Returns:
        dict: rows as those of :func:`detect`.
    """
    known: Dict[str, list] = {}
    for row in truth:
        known.setdefault(row[0], []).append(row)
    found = read_detected_segments(read_json(path))
    ways: Dict[str, list] = {
        'found | found': [],
        'found | nearest annotation': [],
        'found, scored by overlap | found': [],
    }
    items = zip(found.videos, found.labels, found.spans.tolist(), found.scores.tolist())
    for video, label, span, score in items:
        real = known[video]
        iou = window_iou(np.array([[span]]), np.array([[row[2:4] for row in real]]))
        nearest = int(iou.argmax())
        rows = (
            (video, label, *span, score),
            (video, real[nearest][1], *span, score),
            (video, label, *span, float(iou.max())),
        )
        for way, row in zip(ways, rows):
            ways[way].append(row)
    return ways


def _rows(video: str, spans: Tensor, scores: Tensor) -> List[tuple]:
    """Of scores (N, K); those of 0 are left out."""
    places = scores.nonzero().tolist()
    return [(video, k, *spans[n].tolist(), float(scores[n, k])) for n, k in places]


def measure(
    cfg: Config, top_k: int, detections: Optional[str] = None
) -> Dict[str, List[float]]:
    """mAP@0.5, mAP and AR@100 of each baseline, percent."""
    model = MODELS.build(cfg.model.classifier).eval()
    prior = usual_segments(DATASETS.build(cfg.train_dataloader.dataset), top_k)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    model.set_classes(dataset.metainfo['classes'])
    with torch.no_grad():
        text = model.class_features().float()
    truth, found = detect(dataset, text, prior)
    if detections is not None:
        found.update(of_file(detections, truth))
    truth, thresholds = flat_segments(truth), DETECTION_THRESHOLDS['activitynet']
    results = {}
    for name, rows in found.items():
        rows = flat_segments(rows)
        maps = evaluate_detections(truth, rows, thresholds)
        recall = evaluate_proposals(truth, rows)['AR@100']
        first = next(iter(maps['mAP'].values()))
        results[name] = [100 * first, 100 * maps['average_mAP'], 100 * recall]
    return results


@tool_main()
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument('--settings', nargs='+')
    parser.add_argument('--splits', nargs='+', type=int, default=[0])
    parser.add_argument('--top-k', type=int, default=10, help='usual segments a video')
    parser.add_argument('--detections', help='results of the one split')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, default={})
    args = parser.parse_args()
    register_all_modules()
    cfg = load_config(args.config, args.cfg_options)
    protocol = runpy.run_path(PROTOCOL)
    for setting in args.settings or protocol['SETTINGS']:
        rows: Dict[str, list] = {}
        for split in args.splits:
            one = protocol['split_config'](cfg, setting, split, '')
            for name, values in measure(one, args.top_k, args.detections).items():
                rows.setdefault(name, []).append(values)
        print(f'{setting}, splits {args.splits}: mean and deviation')
        print('| segments | classes | mAP@0.5 | mAP | AR@100 |')
        print('| --- | --- | ---: | ---: | ---: |')
        for name, values in rows.items():
            mean = np.mean(values, axis=0)
            cells = [f'{value:.2f}' for value in mean]
            if len(values) > 1:
                spread = np.std(values, axis=0, ddof=1)
                cells = [f'{m:.2f} ± {s:.2f}' for m, s in zip(mean, spread)]
            print(f'| {name} | {" | ".join(cells)} |')


if __name__ == '__main__':
    main()
