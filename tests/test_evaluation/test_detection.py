"""Temporal action detection: the vectorised code against the walk down the list."""

import json

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmvtg.evaluation.functional import (
    SubmissionError,
    evaluate_detections,
    evaluate_proposals,
    read_annotated_segments,
    read_detected_segments,
)
from mmvtg.registry import METRICS
from mmvtg.structures import GroundingDataSample


def _truth(videos, subset='validation'):
    """{video: [(label, start, end)]}"""
    return dict(
        database={
            video: dict(
                subset=subset,
                annotations=[dict(label=n, segment=[s, e]) for n, s, e in items],
            )
            for video, items in videos.items()
        }
    )


def _detections(videos):
    """{video: [(label, start, end, score)]}"""
    return dict(
        results={
            video: [dict(label=n, segment=[s, e], score=c) for n, s, e, c in items]
            for video, items in videos.items()
        }
    )


def slow_iou(a, b):
    inter = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    union = (a[1] - a[0]) + (b[1] - b[0]) - inter
    return inter / union if union > 0 else 0.0


def slow_ap(truth, detections, label, threshold):
    """One class: all videos in one ranking."""
    rows = [
        (video, *item[1:])
        for video in detections
        for item in detections[video]
        if item[0] == label
    ]
    gts = {v: [i[1:] for i in truth[v] if i[0] == label] for v in truth}
    total, taken, found, points = sum(map(len, gts.values())), set(), 0, []
    for rank, (video, start, end, _) in enumerate(sorted(rows, key=lambda r: -r[3]), 1):
        overlaps = [slow_iou((start, end), gt) for gt in gts.get(video, [])]
        for i in sorted(range(len(overlaps)), key=lambda i: (-overlaps[i], -i)):
            if overlaps[i] < threshold:
                break
            if (video, i) not in taken:
                taken.add((video, i))
                found += 1
                break
        points.append((found / total, found / rank))
    area, before = 0.0, 0.0
    for index, (recall, _) in enumerate(points):
        area += (recall - before) * max(p for _, p in points[index:])
        before = recall
    return area


def _random(seed):
    """Whole seconds, few scores: ties, exact thresholds, empty segments."""
    rng = np.random.default_rng(seed)
    truth, detections = {}, {}
    for v in range(30):
        spans = np.sort(rng.integers(0, 15, (rng.integers(1, 6), 2))).tolist()
        truth[f'v{v}'] = [('abc'[rng.integers(3)], *span) for span in spans]
        spans = np.sort(rng.integers(0, 15, (rng.integers(0, 12), 2))).tolist()
        detections[f'v{v + 3}'] = [
            ('abc'[rng.integers(3)], *span, float(rng.integers(1, 5))) for span in spans
        ]
    return truth, detections


def _evaluate(truth, detections, *args, **kwargs):
    return evaluate_detections(
        read_annotated_segments(_truth(truth)),
        read_detected_segments(_detections(detections)),
        *args,
        **kwargs,
    )


@pytest.mark.filterwarnings('ignore:.*detections are')
@pytest.mark.parametrize('seed', range(4))
def test_ap_equals_the_walk_down_the_list(seed):
    truth, detections = _random(seed)
    thresholds = [0.3, 0.5, 0.75]
    result = _evaluate(truth, detections, thresholds)
    expected = [
        [slow_ap(truth, detections, label, t) for label in result['classes']]
        for t in thresholds
    ]
    np.testing.assert_allclose(result['AP'], expected, atol=1e-12)
    assert result['mAP']['0.5'] == pytest.approx(np.mean(expected[1]))


def test_nothing_detected_is_zero():
    truth = dict(a=[('x', 0, 4)])
    result = _evaluate(truth, {})
    assert result['average_mAP'] == 0 and result['recall_1x']['0.5'] == 0
    segments = read_annotated_segments(_truth(truth))
    proposals = evaluate_proposals(segments, read_detected_segments(_detections({})))
    assert proposals['AUC'] == 0 and proposals['AR@100'] == 0


def test_what_does_not_count_is_said():
    truth = dict(a=[('x', 0, 4)])
    with pytest.warns(UserWarning, match=r"1 of 2 detections.*has no \['X'\]"):
        result = _evaluate(truth, dict(a=[('X', 0, 4, 9.0), ('x', 0, 4, 1.0)]))
    assert result['average_mAP'] == 1
    with pytest.warns(UserWarning, match="such as 'b'; they count as false"):
        result = _evaluate(truth, dict(b=[('x', 0, 4, 9.0)], a=[('x', 0, 4, 1.0)]))
    assert result['average_mAP'] == 0.5


def test_zero_shot_looks_at_chosen_classes_and_their_videos():
    truth = dict(a=[('seen', 0, 4), ('new', 5, 9)], b=[('seen', 0, 4)])
    detections = dict(
        a=[('new', 5, 9, 0.5), ('seen', 0, 1, 0.9)], b=[('new', 0, 4, 0.9)]
    )
    result = _evaluate(truth, detections, classes=['new'])
    assert result['classes'] == ['new'] and result['average_mAP'] == 1
    assert result['num_videos'] == result['num_instances'] == 1
    with pytest.raises(ValueError, match='has no segment'):
        _evaluate(truth, detections, classes=['other'])


def test_variants_of_files_are_read():
    content = dict(
        database=dict(
            a=dict(
                subset='Test', annotations=[dict(label_id=3, segment=['1.5', '2.5'])]
            ),
            b=dict(subset='Test', annotations=[dict(label_id=4, segment=[0, 1])]),
        )
    )
    segments = read_annotated_segments(content, 'test', blocked=['b'])
    assert segments.labels == [3] and segments.spans.tolist() == [[1.5, 2.5]]
    with pytest.raises(SubmissionError, match=r"subset 'validation'.*\['Test'\]"):
        read_annotated_segments(content)


def test_repeated_annotations_are_kept_unless_asked():
    repeats = [('x', 0, 4), ('x', 0.0005, 4), ('y', 0, 4), ('x', 2, 2)]
    content = _truth(dict(a=repeats, b=[('x', 0, 4)]))
    assert len(read_annotated_segments(content)) == 5
    kept = read_annotated_segments(content, deduplicate=True)
    assert kept.labels == ['x', 'y', 'x'] and kept.videos == ['a', 'a', 'b']


@pytest.mark.parametrize(
    'item, message',
    [
        (dict(segment=[0], score=1), r"'a': segment of .* is not \[start, end\]"),
        (3, r"'a': segment of 3 is not \[start, end\]"),
        (dict(segment=[0, 'x'], score=1), "'a': 'x' in .* is not a finite number"),
        (dict(segment=[0, 1]), "'a': None in .* is not a finite number"),
        (dict(segment=[0, 1], score=float('nan')), "'a': nan in"),
    ],
)
def test_bad_detections_name_the_video(item, message):
    with pytest.raises(SubmissionError, match=message):
        read_detected_segments(dict(results=dict(a=[item])))


def test_wrong_layouts_are_named():
    for content in ([], dict(results=[]), dict(results=dict(a=3))):
        with pytest.raises(SubmissionError, match='detections: '):
            read_detected_segments(content)
    for content in (3, dict(results={}), dict(database=dict(a=[]))):
        with pytest.raises(SubmissionError, match='ground truth: '):
            read_annotated_segments(content)


def _sample(video, pred, gt):
    sample = GroundingDataSample(metainfo=dict(video_id=video))
    pred = np.array(pred, dtype='float32').reshape(-1, 4)
    gt = np.array(gt, dtype='float32').reshape(-1, 3)
    sample.pred_moments = InstanceData(
        spans=torch.tensor(pred[:, :2]),
        scores=torch.tensor(pred[:, 2]),
        labels=torch.tensor(pred[:, 3].astype(int)),
    )
    sample.gt_moments = InstanceData(
        spans=torch.tensor(gt[:, :2]), labels=torch.tensor(gt[:, 2].astype(int))
    )
    return sample.to_dict()


def _run(samples, **options):
    metric = METRICS.build(dict(type='ActionDetectionMetric', **options))
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_metric_class(tmp_path):
    samples = [
        _sample('a', [[0, 4, 0.9, 1], [8, 9, 0.8, 0]], [[0, 4, 1], [5, 6, 0]]),
        _sample('b', [], [[0, 2, 1]]),
    ]
    out = tmp_path / 'detections.json'
    result = _run(samples, thresholds='thumos14', proposals=True, results_file=str(out))
    assert result['mAP@0.3'] == result['mAP'] == 25  # 1/2 and 0
    assert result['AR@100'] == 33.33 and 'AUC' in result
    assert json.loads(out.read_text())['results']['a'][0]['segment'] == [0, 4]
    again = _run([*samples[::-1], samples[0]], thresholds='thumos14')
    assert again['mAP'] == 25  # order and a sampler's padding change nothing
    assert _run(samples, classes=[1])['mAP'] == 50


def test_metric_class_names_what_is_wrong():
    with pytest.raises(ValueError, match="'anet' are unknown"):
        METRICS.build(dict(type='ActionDetectionMetric', thresholds='anet'))
    with pytest.raises(ValueError, match="video 'a' has spans or scores"):
        _run([_sample('a', [[0, float('nan'), 1, 1]], [[0, 1, 1]])])
