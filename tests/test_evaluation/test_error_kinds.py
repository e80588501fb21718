"""What becomes of moments: kinds, fates, groups."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from mmvtg.evaluation.functional import SubmissionError
from mmvtg.evaluation.functional.error_kinds import (
    FATES,
    KINDS,
    find_errors,
    group_errors,
    kinds_by_rank,
    make_bins,
)

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/error_analysis.py'


def _gt(qid, *windows, query='a b c', duration=100):
    return dict(qid=qid, query=query, duration=duration, relevant_windows=windows)


def _pred(qid, *windows):
    rows = [[*window, 1 - 0.1 * rank] for rank, window in enumerate(windows)]
    return dict(qid=qid, pred_relevant_windows=rows)


TRUTH = [
    _gt(0, [10, 20], [50, 60], [80, 82]),
    _gt(1, [0, 40], query='one two three four five six', duration=50),
    dict(qid=2, query='no windows', duration=10),
]
SUBMISSION = [
    #        wrong     hit 2nd   duplicate  boundary of the 3rd
    _pred(0, [30, 35], [50, 59], [51, 60], [80, 90]),
    _pred(1, [0, 40]),
    _pred(2, [0, 1]),
]


def test_every_kind_and_fate():
    report = find_errors(SUBMISSION, TRUTH)
    kinds = [KINDS[kind] for kind in report.pred_kind]
    assert kinds == ['wrong moment', 'hit', 'duplicate', 'boundary', 'hit']
    assert report.pred_rank.tolist() == [1, 2, 3, 4, 1]
    # [30, 35] overlaps none; [10, 20] is the nearest
    assert report.pred_owner.tolist() == [0, 1, 1, 2, 3]
    fates = [FATES[fate] for fate in report.fate]
    assert fates == ['missed', 'found later', 'touched', 'found first']
    assert report.rank.tolist() == [0, 2, 0, 1]
    assert report.edge_errors[3].tolist() == [0, 8]


def test_later_predictions_are_not_looked_at():
    report = find_errors(SUBMISSION, TRUTH, top_k=1)
    assert [FATES[fate] for fate in report.fate[:3]] == ['missed'] * 3


def test_thresholds_count_when_reached():
    report = find_errors([_pred(0, [0, 5])], [_gt(0, [0, 10])], iou=0.5)
    assert KINDS[report.pred_kind[0]] == 'hit'
    report = find_errors([_pred(0, [0, 5])], [_gt(0, [0, 10])], iou=0.6, near=0.5)
    assert KINDS[report.pred_kind[0]] == 'boundary' and FATES[report.fate[0]]


def test_groups_count_every_moment_and_prediction_once():
    rng = np.random.default_rng(0)
    truth, submission = [], []
    for qid in range(60):
        spans = np.sort(rng.integers(0, 100, (rng.integers(1, 5), 2)), axis=1)
        truth.append(_gt(qid, *spans.tolist(), query='w ' * rng.integers(1, 20)))
        spans = np.sort(rng.integers(0, 100, (6, 2)), axis=1)
        submission.append(_pred(qid, *spans.tolist()))
    report = find_errors(submission, truth)
    count = sum(len(gt['relevant_windows']) for gt in truth)
    grouped = group_errors(report)
    assert set(grouped) == {'length', 'position', 'words', 'moments'}
    for groups in grouped.values():
        assert sum(group['count'] for group in groups.values()) == count
        assert sum(sum(g['fates'].values()) for g in groups.values()) == count
        assert sum(sum(g['kinds'].values()) for g in groups.values()) == 60 * 5
    assert kinds_by_rank(report).sum(axis=1).tolist() == [60] * 5


@pytest.mark.parametrize('name', ['length', 'words', 'moments', 'position'])
def test_labels_say_what_is_in_the_group(name):
    rng = np.random.default_rng(1)
    values = rng.integers(1, 30, 500) if name != 'position' else rng.random(500)
    labels, group = make_bins(name, values)
    assert len(labels) == group.max() + 1
    for label, members in zip(labels, (values[group == g] for g in range(len(labels)))):
        scale = 100 if name == 'position' else 1
        low, _, high = label.removeprefix('> ').partition('–')
        high = np.inf if label.startswith('>') else float(high or low)
        assert float(low) <= members.min() * scale and members.max() * scale <= high


def test_queries_must_be_the_same():
    with pytest.raises(SubmissionError, match='1 of 3 queries are missing'):
        find_errors(SUBMISSION[:2], TRUTH)
    with pytest.raises(SubmissionError, match='no query has relevant_windows'):
        find_errors(SUBMISSION[2:], TRUTH[2:])
    with pytest.raises(SubmissionError, match='qid 0 has no "duration"'):
        find_errors(SUBMISSION[:1], [_gt(0, [0, 1], duration=None)])


def test_tool_draws_pictures(tmp_path, monkeypatch, capsys):
    files = []
    for name, entries in (('pred', SUBMISSION), ('gt', TRUTH)):
        files.append(tmp_path / f'{name}.jsonl')
        files[-1].write_text('\n'.join(map(json.dumps, entries)))
    out = tmp_path / 'out'
    arguments = [TOOL, *files, '--out-dir', out, '--name', 'a $ and a _']
    monkeypatch.setattr(sys, 'argv', [str(value) for value in arguments])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(TOOL), run_name='__main__')
    assert stop.value.code == 0
    for name in ('recall', 'fates', 'kinds', 'ranks'):
        image = imread(out / f'{name}.png')
        assert image.shape[1] == 1200
        colors = np.unique(image[..., :3].reshape(-1, 3).round(2), axis=0)
        assert len(colors) > 20  # something is drawn
    content = json.loads((out / 'errors.json').read_text())
    assert content['by_rank'][0] == {
        'hit': 1,
        'duplicate': 0,
        'boundary': 0,
        'wrong moment': 1,
    }
