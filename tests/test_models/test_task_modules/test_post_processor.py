"""Clamp, round, suppress, sort."""

import pytest
import torch

from mmvtg.models.task_modules import MomentPostProcessor
from mmvtg.registry import TASK_UTILS


def _rows(*rows):
    rows = torch.tensor(rows)
    return rows[:, :2], rows[:, 2]


def test_builds_from_config():
    post = TASK_UTILS.build(
        dict(type='MomentPostProcessor', unit=2.0, nms=dict(kind='linear'))
    )
    assert post.unit == 2.0


def test_clamps_into_each_video():
    moments = _rows([-3.0, 200.0, 0.5])
    (short, _), (long, _) = MomentPostProcessor()([moments, moments], [10.0, 150.0])
    assert short.tolist() == [[0, 10]]
    assert long.tolist() == [[0, 150]]


def test_rounds_only_rows_that_end_inside_the_video():
    moments = _rows([2.9, 7.2, 0.9], [2.9, 30.5, 0.8], [2.9, 30.0, 0.7])
    [(spans, _)] = MomentPostProcessor(unit=2.0)([moments], [30.0])
    expected = torch.tensor([[2.0, 8.0], [2.9, 30.0], [2.9, 30.0]])
    assert torch.equal(spans, expected)


def test_rounds_half_to_even():
    [(spans, _)] = MomentPostProcessor(unit=2.0)([_rows([1.0, 3.0, 0.9])], [30.0])
    assert spans.tolist() == [[0, 4]]


def test_sorts_by_the_new_score_and_keeps_the_order_of_ties():
    moments = _rows([0.0, 4.0, 0.9], [0.0, 4.0, 0.8], [8.0, 9.0, 0.3], [5.0, 6.0, 0.3])
    [(spans, scores)] = MomentPostProcessor(nms=dict(kind='hard'))([moments], [30.0])
    assert spans.tolist() == [[0, 4], [8, 9], [5, 6], [0, 4]]
    assert scores.tolist() == pytest.approx([0.9, 0.3, 0.3, 0.0])


def test_queries_of_different_length_do_not_touch_each_other():
    torch.manual_seed(0)
    queries = []
    for count in (5, 0, 1, 9):
        spans = torch.rand(count, 2).sort(dim=1).values * 40
        queries.append((spans, torch.rand(count)))
    durations = [30.0, 10.0, 20.0, 40.0]
    post = MomentPostProcessor(unit=0.1, nms=dict(kind='linear'))
    for one, query, duration in zip(post(queries, durations), queries, durations):
        [alone] = post([query], [duration])
        assert torch.equal(one[0], alone[0]) and torch.equal(one[1], alone[1])
        assert one[0].shape == query[0].shape


def test_no_query_at_all():
    assert MomentPostProcessor()([], []) == []


def test_wrong_number_of_durations_is_refused():
    with pytest.raises(ValueError, match='1 queries but 2 durations'):
        MomentPostProcessor()([_rows([0.0, 1.0, 0.5])], [3.0, 4.0])


def test_unit_must_be_positive():
    with pytest.raises(ValueError, match='unit = 0'):
        MomentPostProcessor(unit=0)
