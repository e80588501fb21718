"""Time of QVHighlights' evaluation and of NMS, against plain loops over queries.

    python tools/benchmarks/evaluation.py
    python tools/benchmarks/evaluation.py --pred p.jsonl --gt val.jsonl --growth 1 10

Both implementations score the same 1,550 queries (made up in the shape of QVHighlights'
validation split: 10 windows, 75 clips, 3 annotators; or those of the given files) and
must agree. Then ours alone gets 1, 10 and 100 times as many. NMS is that of 50 moments
a query. Action detection has the size of ActivityNet's validation split, with 100
detections a video; retrieval compares N videos with N texts of 64 numbers. CPU seconds
of one core are shown, the best of several runs: other jobs disturb these less than the
clock.
"""

import argparse
import os

for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS'):
    os.environ[name] = '1'  # read when numpy and torch load

import resource  # noqa: E402
import time  # noqa: E402
from typing import Callable, Dict, List, Sequence, Tuple  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402

from mmvtg.datasets.annotations import read_json_lines  # noqa: E402
from mmvtg.evaluation.functional import (  # noqa: E402
    Segments,
    evaluate_detections,
    evaluate_proposals,
    evaluate_retrieval,
    evaluate_submission,
)
from mmvtg.models.task_modules import batched_moment_nms  # noqa: E402
from mmvtg.structures import span_iou  # noqa: E402
from mmvtg.utils.tool_main import tool_main  # noqa: E402

QUERIES, CLIPS, MOMENTS = 1550, 75, 50
THRESHOLDS = [round(0.5 + 0.05 * i, 2) for i in range(10)]
RANGES = {'short': (0, 10), 'middle': (10, 30), 'long': (30, 150), 'full': (-1, 1e9)}
LEVELS = {'Fair': 2, 'Good': 3, 'VeryGood': 4}


def made_up(count: int) -> Tuple[List[dict], List[dict]]:
    """A submission and its ground truth; windows are near the annotated ones."""
    rng = np.random.default_rng(0)
    submission, truth = [], []
    for qid in range(count):
        starts = np.sort(rng.choice(CLIPS - 1, rng.choice([1, 1, 1, 2, 5]), False))
        ends = np.append(starts[1:], CLIPS)
        ends = starts + 1 + rng.integers(0, np.maximum(ends - starts - 1, 1))
        gt = 2 * np.stack([starts, ends], axis=1)
        ids = np.concatenate([np.arange(s, e) for s, e in zip(starts, ends)])
        near = gt[rng.integers(len(gt), size=10)] + rng.normal(0, 8, (10, 2))
        windows = np.sort(near.clip(0, 150), axis=1).round(2)
        scores = np.sort(rng.random((10, 1)).round(4), axis=0)[::-1]
        truth.append(
            dict(
                qid=qid,
                duration=2 * CLIPS,
                relevant_windows=gt.tolist(),
                relevant_clip_ids=ids.tolist(),
                saliency_scores=rng.integers(0, 5, (len(ids), 3)).tolist(),
            )
        )
        submission.append(
            dict(
                qid=qid,
                pred_relevant_windows=np.hstack([windows, scores]).tolist(),
                pred_saliency_scores=rng.normal(size=CLIPS).round(4).tolist(),
            )
        )
    return submission, truth


def repeat(entries: Sequence[dict], times: int) -> List[dict]:
    """The same entries under other query ids."""
    return [dict(e, qid=(e['qid'], k)) for k in range(times) for e in entries]


# -- plain loops ---------------------------------------------------------------------


def plain_evaluation(submission: List[dict], truth: List[dict]) -> Dict[str, float]:
    """The ``brief`` numbers, one query after the other."""
    results: Dict[str, float] = {}
    gt_of = {gt['qid']: gt for gt in truth}
    for name, (low, high) in RANGES.items():
        aps, hits = [], []
        for pred in submission:
            windows = gt_of[pred['qid']]['relevant_windows']
            kept = [w for w in windows if low < w[1] - w[0] <= high]
            if kept:
                ranked = pred['pred_relevant_windows'][:10]
                aps.append([plain_moment_ap(ranked, kept, t) for t in THRESHOLDS])
                hits.append(max(plain_iou(ranked[0], gt) for gt in kept))
        results[f'MR-{name}-mAP'] = 100 * np.mean(aps)
    for threshold in (0.5, 0.7):
        share = np.mean([hit >= threshold for hit in hits])
        results[f'MR-full-R1@{threshold}'] = 100 * share
    for name, lowest in LEVELS.items():
        aps, hits = [], []
        for pred in submission:
            rows = clip_scores(gt_of[pred['qid']])
            scores = (pred['pred_saliency_scores'] + [0.0] * len(rows))[: len(rows)]
            for annotator in range(3):
                labels = [row[annotator] >= lowest for row in rows]
                aps.append(plain_clip_ap(scores, labels))
            top = int(np.argmax(pred['pred_saliency_scores']))
            hits.append(top < len(rows) and max(rows[top]) >= lowest)
        results[f'HL-min-{name}-mAP'] = 100 * np.mean(aps)
        results[f'HL-min-{name}-Hit1'] = 100 * np.mean(hits)
    return results


def plain_iou(a: Sequence[float], b: Sequence[float]) -> float:
    inter = max(0, min(a[1], b[1]) - max(a[0], b[0]))
    union = (a[1] - a[0]) + (b[1] - b[0]) - inter
    return inter / union if union > 0 else 0.0


def plain_moment_ap(windows: List[list], truth: List[list], threshold: float) -> float:
    taken, found, points = set(), 0, []
    for rank, window in enumerate(sorted(windows, key=lambda w: -w[2]), 1):
        overlaps = [plain_iou(window, gt) for gt in truth]
        for i in sorted(range(len(truth)), key=lambda i: (-overlaps[i], -i)):
            if overlaps[i] < threshold:
                break
            if i not in taken:
                taken.add(i)
                found += 1
                break
        points.append((found / len(truth), found / rank))
    return area(points)


def area(points: List[Tuple[float, float]]) -> float:
    """Under the interpolated curve through (recall, precision)."""
    total, best = 0.0, 0.0
    for i in reversed(range(len(points))):
        before = points[i - 1][0] if i else 0.0
        best = max(best, points[i][1])
        total += (points[i][0] - before) * best
    return total


def clip_scores(gt: dict) -> List[List[int]]:
    rows = [[0, 0, 0] for _ in range(int(gt['duration'] / 2))]
    for clip, row in zip(gt['relevant_clip_ids'], gt['saliency_scores']):
        rows[clip] = row
    return rows


def plain_clip_ap(scores: List[float], labels: List[bool]) -> float:
    if not any(labels) or all(labels):
        return float(all(labels))
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    points, found = [], 0
    for rank, i in enumerate(order, 1):
        found += labels[i]
        if rank == len(order) or scores[order[rank]] != scores[i]:
            points.append((found, found / rank))
    values, best = [], 0.0
    for i in reversed(range(len(points))):
        best = max(best, points[i][1])
        if points[i][0] > (points[i - 1][0] if i else 0):
            values.append(best)
    return sum(values) / len(values)


def plain_nms(spans: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """One query after the other, one rank after the other."""
    results = []
    for boxes, values in zip(spans, scores.clone()):
        waiting = torch.ones(len(values), dtype=torch.bool)
        for _ in range(len(values)):
            best = values.masked_fill(~waiting, -1).argmax()
            waiting[best] = False
            iou = span_iou(boxes[best : best + 1], boxes)[0]
            values[waiting & (iou >= 0.7)] = 0
        results.append(values)
    return torch.stack(results)


# -- measuring -----------------------------------------------------------------------


def cpu_seconds(function: Callable, repeats: int) -> Tuple[float, object]:
    """Best of several runs, and what the function returned."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        result = function()
        times.append(time.process_time() - start)
    return min(times), result


def compare(what: str, plain: Callable, ours: Callable, repeats: int) -> Tuple:
    slow, expected = cpu_seconds(plain, 1)
    fast, result = cpu_seconds(ours, repeats)
    print(f'{what:<26}{slow:>10.2f}{fast:>10.3f}{slow / fast:>9.0f}x')
    return expected, result


def moments(count: int) -> Tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    spans = torch.rand(count, MOMENTS, 2, generator=generator).sort(-1).values * 150
    return spans, torch.rand(count, MOMENTS, generator=generator)


def segments(videos: int, classes: int, detections: int) -> Tuple[Segments, Segments]:
    """Two annotations a video, and detections of any class."""
    rng = np.random.default_rng(0)
    made = []
    for count in (2 * videos, detections * videos):
        starts = 100 * rng.random(count)
        spans = np.stack([starts, starts + 30 * rng.random(count)], axis=1)
        labels = rng.integers(classes, size=count).tolist()
        owners = np.repeat(np.arange(videos), count // videos).tolist()
        made.append(Segments(owners, labels, spans, rng.random(count)))
    return made[0], made[1]


def other_tasks(num_embeddings: int) -> None:
    """Action detection and retrieval, ours alone."""
    truth, detections = segments(4728, 200, 100)
    print(f'\n{len(detections)} detections, {len(truth)} annotations, 4728 videos')
    for name, score in (('mAP', evaluate_detections), ('AR@AN', evaluate_proposals)):
        seconds, _ = cpu_seconds(lambda: score(truth, detections), 1)  # noqa: B023
        print(f'{name:<10}{seconds:>8.2f}')
    rng = np.random.default_rng(0)
    videos = rng.standard_normal((num_embeddings, 64), dtype=np.float32)
    texts = videos + 2 * rng.standard_normal(videos.shape, dtype=np.float32)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, _ = cpu_seconds(lambda: evaluate_retrieval(videos, texts), 1)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        f'retrieval  {num_embeddings} x {num_embeddings}, both directions: '
        f'{seconds:.2f}, at most {grown / 1024:.0f} MiB more'
    )


@tool_main()
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--pred', help='submission, JSON lines')
    parser.add_argument('--gt', help='its annotations, JSON lines')
    parser.add_argument('--growth', type=int, nargs='+', default=[1, 10, 100])
    parser.add_argument('--retrieval', type=int, default=10000, help='N')
    parser.add_argument('--repeats', type=int, default=5)
    args = parser.parse_args()
    if args.pred:
        submission, truth = (
            [item for _, item in read_json_lines(path)] for path in (args.pred, args.gt)
        )
    else:
        submission, truth = made_up(QUERIES)
    torch.set_num_threads(1)
    other_tasks(args.retrieval)  # first, as it looks at the peak of the memory

    print(f'\nCPU seconds of one core, {len(truth)} queries')
    print(f'{"":<26}{"plain":>10}{"ours":>10}{"faster":>10}')
    expected, result = compare(
        'moments and highlights',
        lambda: plain_evaluation(submission, truth),
        lambda: evaluate_submission(submission, truth)['brief'],
        args.repeats,
    )
    worst = max(abs(value - result[key]) for key, value in expected.items())
    spans, scores = moments(len(truth))
    kept = compare(
        f'NMS of {MOMENTS} moments each',
        lambda: plain_nms(spans, scores),
        lambda: batched_moment_nms(spans, scores),
        args.repeats,
    )
    print(f'largest difference of {len(expected)} percentages: {worst:.4f}')
    print(f'same moments survive: {torch.equal(*kept)}')

    print(f'\n{"queries":>10}{"evaluation":>12}{"us each":>9}{"NMS":>9}{"us each":>9}')
    for times in args.growth:
        lines = repeat(submission, times), repeat(truth, times)
        repeats = args.repeats if times == 1 else 1
        seconds, _ = cpu_seconds(lambda: evaluate_submission(*lines), repeats)  # noqa: B023
        spans, scores = moments(len(lines[0]))
        nms, _ = cpu_seconds(lambda: batched_moment_nms(spans, scores), repeats)  # noqa: B023
        count = len(lines[0])
        each = [1e6 * value / count for value in (seconds, nms)]
        print(f'{count:>10}{seconds:>12.3f}{each[0]:>9.0f}{nms:>9.3f}{each[1]:>9.0f}')


if __name__ == '__main__':
    main()
