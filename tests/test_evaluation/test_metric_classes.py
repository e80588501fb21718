"""mmengine metrics: from data samples to numbers and a submission file."""

import json

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmvtg.evaluation.functional import SubmissionError, evaluate_submission
from mmvtg.registry import METRICS
from mmvtg.structures import GroundingDataSample


def _sample(qid, windows, pred, saliency, annotators=None, fps=0.5, query='q'):
    sample = GroundingDataSample(
        metainfo=dict(
            query_id=qid,
            video_id=f'v{qid}',
            query=query,
            duration=12.0,
            fps=fps,
            saliency_clip_length=2.0,
            annotator_scores=annotators,
        )
    )
    if windows is not None:
        sample.gt_moments = InstanceData(spans=torch.tensor(windows))
    pred = torch.tensor(pred)
    sample.pred_moments = InstanceData(spans=pred[:, :2], scores=pred[:, 2])
    sample.pred_saliency = torch.tensor(saliency)
    return sample.to_dict()


def _random_samples(count, seed=0):
    rng = np.random.default_rng(seed)
    samples = []
    for qid in range(count):
        spans = np.sort(rng.integers(0, 7, (4, 2)) * 2, axis=1)
        rows = np.concatenate([spans, rng.random((4, 1))], axis=1)
        rows = rows[rows[:, 2].argsort()[::-1]].astype('float32')
        window = np.sort(rng.choice(7, 2, replace=False))[None] * 2.0
        annotators = rng.integers(0, 5, (6, 3)).astype('float32')
        samples.append(
            _sample(qid, window.tolist(), rows, rng.random(6), annotators, query='x')
        )
    return samples


def _evaluate(metric, samples, size=None):
    if isinstance(metric, dict):
        metric = METRICS.build(metric)
    for sample in samples:
        metric.process(None, [sample])
    return metric.evaluate(size or len(samples))


def test_numbers_are_those_of_the_written_submission(tmp_path):
    path = tmp_path / 'deep' / 'submission.jsonl'
    samples = _random_samples(12)
    result = _evaluate(
        dict(type='MomentRetrievalMetric', submission_file=str(path)), samples
    )
    submission = [json.loads(line) for line in path.read_text().splitlines()]
    truth = [
        dict(
            qid=s['query_id'],
            duration=s['duration'],
            relevant_windows=s['gt_moments']['spans'].tolist(),
            relevant_clip_ids=list(range(6)),
            saliency_scores=s['annotator_scores'].tolist(),
        )
        for s in samples
    ]
    assert evaluate_submission(submission, truth)['brief'] == result
    assert 'MR-full-mAP' in result and 'HL-min-VeryGood-Hit1' in result
    first = submission[0]
    assert set(first) >= {'qid', 'vid', 'query'}
    assert all(round(v, 4) == v for row in first['pred_relevant_windows'] for v in row)


def test_order_and_repeated_samples_change_nothing(tmp_path):
    samples = _random_samples(9)
    config = dict(type='MomentRetrievalMetric', protocol='retrieval')
    paths = [tmp_path / 'a.jsonl', tmp_path / 'b.jsonl']
    expected = _evaluate(dict(config, submission_file=str(paths[0])), samples)
    shuffled = samples[4:] + samples[:4] + samples[:3]  # a sampler's padding
    actual = _evaluate(dict(config, submission_file=str(paths[1])), shuffled)
    assert actual == expected
    assert paths[0].read_text() == paths[1].read_text()


def test_two_queries_with_one_id_are_refused():
    samples = [
        _sample(1, [[0.0, 2.0]], [[0.0, 2.0, 1.0]], [0.0], query=q) for q in 'ab'
    ]
    with pytest.raises(ValueError, match='two samples have the query id 1'):
        _evaluate(dict(type='MomentRetrievalMetric'), samples)


def test_samples_without_annotation_skip_that_part():
    pred, saliency = [[0.0, 4.0, 0.9]], [0.1, 0.9]
    samples = [
        _sample(0, [[0.0, 4.0]], pred, saliency),
        _sample(1, None, pred, saliency, np.ones((6, 3), 'float32')),
    ]
    result = _evaluate(dict(type='MomentRetrievalMetric'), samples)
    assert result['MR-full-R1@0.5'] == 100
    assert result['HL-min-Fair-mAP'] == 0
    only_moments = _evaluate(dict(type='MomentRetrievalMetric'), samples[:1])
    assert not any(key.startswith('HL') for key in only_moments)


def test_saliency_is_put_on_the_annotation_grid(tmp_path):
    path = tmp_path / 's.jsonl'
    annotators = np.zeros((2, 3), 'float32')
    sample = _sample(
        0, [[0.0, 4.0]], [[0.0, 4.0, 0.9]], [1.0, 3.0, 5.0, 5.0], annotators, fps=1.0
    )
    _evaluate(dict(type='MomentRetrievalMetric', submission_file=str(path)), [sample])
    assert json.loads(path.read_text())['pred_saliency_scores'] == [2.0, 5.0]


def test_annotated_seconds_survive_float32():
    # The IoU is at a threshold, so the last digit of 0.2, 0.3 and 0.4 decides.
    sample = _sample(0, [[0.2, 0.4]], [[0.2, 0.3, 0.9]], [0.0])
    result = _evaluate(
        dict(type='MomentRetrievalMetric', protocol='retrieval'), [sample]
    )
    truth = [dict(qid=0, duration=12, relevant_windows=[[0.2, 0.4]])]
    pred = [dict(qid=0, pred_relevant_windows=[[0.2, 0.3, 0.9]])]
    assert result == evaluate_submission(pred, truth, 'retrieval')['brief']


def test_nan_prediction_names_the_query():
    sample = _sample(5, [[0.0, 4.0]], [[0.0, 4.0, float('nan')]], [0.0])
    with pytest.raises(SubmissionError, match='qid 5.*nan'):
        _evaluate(dict(type='MomentRetrievalMetric'), [sample])


def test_unknown_protocols_are_refused():
    with pytest.raises(ValueError, match="'charades' is unknown.*ego4d"):
        METRICS.build(dict(type='MomentRetrievalMetric', protocol='charades'))
    with pytest.raises(ValueError, match="'summe' is unknown"):
        METRICS.build(dict(type='HighlightMetric', protocol='summe'))


def test_highlight_metric_is_the_mean_over_videos():
    good = _sample('a', None, [[0.0, 1.0, 1.0]], [3.0, 1.0], np.array([[1.0], [-1.0]]))
    bad = _sample('b', None, [[0.0, 1.0, 1.0]], [1.0, 3.0], np.array([[1.0], [-1.0]]))
    config = dict(type='HighlightMetric', protocol='youtube')
    assert _evaluate(config, [good, bad]) == dict(mAP=0.625)
    config = dict(type='HighlightMetric', protocol='tvsum', top_k=1)
    assert _evaluate(config, [good, bad]) == dict(mAP=0.5)


def test_highlight_metric_needs_annotators():
    sample = _sample('a', None, [[0.0, 1.0, 1.0]], [3.0, 1.0])
    with pytest.raises(ValueError, match="'a' has no annotator_scores"):
        _evaluate(dict(type='HighlightMetric', protocol='youtube'), [sample])


class _Elsewhere(torch.Tensor):
    """numpy refuses it, as it does a tensor on an accelerator."""

    def __array__(self, *args, **kwargs):
        raise TypeError("can't convert device tensor to numpy")


def test_annotated_windows_of_a_device_tensor_keep_their_decimals():
    sample = _random_samples(1)[0]
    spans = torch.tensor([[0.1, 7.3]]).as_subclass(_Elsewhere)
    sample['gt_moments'] = dict(spans=spans)
    metric = METRICS.build(dict(type='MomentRetrievalMetric'))
    metric.process(None, [sample])
    assert metric.results[0]['gt']['relevant_windows'] == [[0.1, 7.3]]


def test_highlight_metric_scores_summaries():
    # 15 % of 20 clips of 2 s is 6 s: one shot of 6 s, or three clips.
    scores = np.zeros(20, 'float32')
    scores[6:9] = [3, 1, 2]
    scores[15] = 2.5
    annotators = np.zeros((20, 1), 'float32')
    annotators[6:9] = 1
    sample = _sample('a', None, [[0.0, 1.0, 1.0]], scores, annotators)
    config = dict(type='HighlightMetric', protocol='summary')
    assert _evaluate(config, [sample]) == dict(F1=round(2 / 3, 5))
    assert _evaluate(dict(config, shot_seconds=6.0), [sample]) == dict(F1=1.0)
    with pytest.raises(ValueError, match=r'budget = 0 is not in \(0, 1\]'):
        METRICS.build(dict(config, budget=0))
