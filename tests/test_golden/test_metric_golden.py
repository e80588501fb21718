"""Metrics against numbers of the official evaluators: every entry, exactly."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from mmvtg.evaluation.functional import evaluate_submission, tvsum_ap, youtube_ap

_HERE = Path(__file__).parent.parent / 'data' / 'golden'
_ROOT = Path(os.environ.get('MMVTG_GOLDEN_DIR', _HERE))


def test_golden_metric_folder_exists():
    # else every test below is skipped and the run is green
    folder = _ROOT / 'r2_tuning'
    if 'MMVTG_GOLDEN_DIR' in os.environ and not folder.is_dir():
        pytest.fail(f'MMVTG_GOLDEN_DIR is set, but {folder} does not exist')


def _r2(name):
    path = _ROOT / 'r2_tuning' / f'metrics_{name}.json'
    if not path.is_file():
        pytest.skip(f'no recording {path}')
    return json.loads(path.read_text())


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


_SHIPPED = _ROOT / 'qvhighlights_eval'
_PREDICTIONS = sorted(_SHIPPED.glob('*_preds.jsonl.gz'))


@pytest.mark.skipif(
    not _PREDICTIONS, reason=f'no submissions in {_SHIPPED} (licence: not shipped)'
)
@pytest.mark.parametrize('path', _PREDICTIONS, ids=lambda path: path.name)
def test_golden_metric_of_shipped_qvhighlights_submissions(path):
    expected = path.with_name(path.name.replace('.jsonl.gz', '_metrics.json'))
    [ground_truth] = _SHIPPED.glob('highlight_val_*.jsonl.gz')
    result = evaluate_submission(_lines(path), _lines(ground_truth))
    assert result == json.loads(expected.read_text())
