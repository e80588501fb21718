"""Metrics against numbers of the official evaluators: every entry, exactly."""

import gzip
import json

import numpy as np
import pytest
from golden_files import golden_folder

from mmvtg.evaluation.functional import evaluate_submission, tvsum_ap, youtube_ap

_R2 = golden_folder('r2_tuning')


def _r2(name):
    return json.loads((_R2 / f'metrics_{name}.json').read_text())


def _lines(path):
    with gzip.open(path, 'rt') as file:
        return [json.loads(line) for line in file]


@pytest.mark.parametrize(
    'name, protocol, key',
    [
        ('qvhighlights', 'qvhighlights', 'official_qvhighlights'),
        ('qvhighlights', 'retrieval', 'official_r2_tuning'),
        ('retrieval', 'retrieval', 'official_r2_tuning'),
    ],
)
def test_golden_metric_of_synthetic_submissions(name, protocol, key):
    recording = _r2(name)
    result = evaluate_submission(
        recording['submission'], recording['ground_truth'], protocol
    )
    assert result == recording[key]


def test_golden_metric_of_youtube_videos():
    recording = _r2('highlight')
    ap = [youtube_ap(v['scores'], v['match']) for v in recording['youtube']]
    official = recording['official']
    assert [round(value, 5) for value in ap] == official['youtube_each']
    assert round(float(np.mean(ap)), 5) == official['youtube']


@pytest.mark.parametrize('top_k', [5, 15])
def test_golden_metric_of_tvsum_videos(top_k):
    recording = _r2('highlight')
    ap = [tvsum_ap(v['scores'], v['anno'], top_k) for v in recording['tvsum']]
    official = recording['official']
    assert round(float(np.mean(ap)), 5) == official[f'tvsum_top{top_k}']
    each = official.get(f'tvsum_top{top_k}_each')
    if each is not None:
        assert [round(float(value.mean()), 5) for value in ap] == each


_SHIPPED = golden_folder('qvhighlights_eval')
_PREDICTIONS = sorted(_SHIPPED.glob('*_preds.jsonl.gz'))


@pytest.mark.skipif(
    not _PREDICTIONS,
    reason='QVHighlights submissions are not bundled (license): set MMVTG_GOLDEN_DIR',
)
@pytest.mark.parametrize('path', _PREDICTIONS, ids=lambda path: path.name)
def test_golden_metric_of_shipped_qvhighlights_submissions(path):
    expected = path.with_name(path.name.replace('.jsonl.gz', '_metrics.json'))
    [ground_truth] = _SHIPPED.glob('highlight_val_*.jsonl.gz')
    result = evaluate_submission(_lines(path), _lines(ground_truth))
    assert result == json.loads(expected.read_text())
