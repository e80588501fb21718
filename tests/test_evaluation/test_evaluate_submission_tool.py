"""The command line tool."""

import json
import runpy
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/evaluate_submission.py'
TRUTH = dict(qid=1, duration=20, relevant_windows=[[0, 8]])
PRED = dict(qid=1, pred_relevant_windows=[[0, 8, 0.5]])


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    def call(submission, *options):
        for name, text in (('pred', submission), ('gt', json.dumps(TRUTH))):
            (tmp_path / f'{name}.jsonl').write_text(text + '\n')
        files = [str(tmp_path / 'pred.jsonl'), str(tmp_path / 'gt.jsonl')]
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *files, *options])
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(str(TOOL), run_name='__main__')
        return stop.value.code, capsys.readouterr()

    return call


def test_prints_a_table_and_writes_json(run, tmp_path):
    out = tmp_path / 'metrics.json'
    code, printed = run(json.dumps(PRED), '--protocol', 'retrieval', '--out', str(out))
    assert code == 0
    assert 'R1@0.5' in printed.out and '100.00' in printed.out
    assert json.loads(out.read_text())['brief']['MR-full-mIoU'] == 100


def test_compares_with_guessing(run, tmp_path):
    code, printed = run(json.dumps(PRED), '--train', str(tmp_path / 'gt.jsonl'))
    assert code == 0
    assert 'train-set prior' in printed.out and 'whole video' in printed.out


def test_malformed_line_is_named(run):
    code, printed = run(json.dumps(PRED) + '\n{"qid": 2,')
    assert code == 1
    assert 'pred.jsonl:2' in printed.err


def test_wrong_queries_are_named(run):
    code, printed = run(json.dumps(dict(PRED, qid=9)))
    assert code == 1
    assert '1 of 1 queries are missing' in printed.err
