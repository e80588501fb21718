"""The benchmark's plain loops and the fast code agree, so that it compares equals."""

import runpy
from pathlib import Path

import pytest

from mmvtg.evaluation.functional import evaluate_submission

BENCHMARK = Path(__file__).parents[2] / 'tools/benchmarks/evaluation.py'


def test_plain_loops_agree():
    tool = runpy.run_path(str(BENCHMARK))
    submission, truth = tool['made_up'](60)
    result = evaluate_submission(submission, truth)['brief']
    expected = tool['plain_evaluation'](submission, truth)
    assert len(expected) == 12
    for key, value in expected.items():
        assert result[key] == pytest.approx(value, abs=0.0051)
    twice = [tool['repeat'](part, 11) for part in (submission, truth)]
    again = evaluate_submission(*twice)['brief']  # more than one block of queries
    for key, value in expected.items():
        assert again[key] == pytest.approx(value, abs=0.0051)
