"""Post-processing as DETR-like methods want it."""

import torch

from mmvtg.models.task_modules import MomentPostProcessor


def run(rows, duration, **settings):
    rows = torch.tensor(rows)
    moments = [(rows[:, :2], rows[:, 2])]
    ((spans, scores),) = MomentPostProcessor(**settings)(moments, [duration])
    return torch.cat([spans, scores[:, None]], dim=1).tolist()


def test_rows_cut_at_the_end_are_rounded_on_demand():
    rows = [[3.2, 99.0, 0.5]]
    kept = run(rows, 15.0, unit=2.0)
    assert [round(x, 3) for x in kept[0]] == [3.2, 15.0, 0.5]
    assert run(rows, 15.0, unit=2.0, round_all=True) == [[4.0, 16.0, 0.5]]


def test_a_constant_instead_of_the_duration():
    rows = [[-3.0, 20.0, 0.5], [4.0, 170.0, 0.25]]
    found = run(rows, 15.0, max_time=150.0)
    assert found == [[0.0, 20.0, 0.5], [4.0, 150.0, 0.25]]


def test_keep_drops_what_was_suppressed_and_the_rest():
    rows = [[0, 10, 0.9], [0, 9.5, 0.8], [20, 30, 0.7], [40, 50, 0.6]]
    nms = dict(kind='hard', iou_threshold=0.7)
    assert len(run(rows, 60.0, nms=nms)) == 4
    found = run(rows, 60.0, nms=nms, keep=2)
    assert [row[:2] for row in found] == [[0, 10], [20, 30]]


def test_keep_drops_only_what_was_suppressed():
    rows = [[0, 10, 0.9], [0, 9.5, 0.8], [20, 30, 0.7]]
    nms = dict(kind='hard', iou_threshold=0.7)
    found = run(rows, 60.0, nms=nms, keep=10)
    assert [row[:2] for row in found] == [[0, 10], [20, 30]]
    assert len(run(rows, 60.0, keep=10)) == 3


def test_suppression_gets_its_settings():
    rows = [[0.0, 10.0, 1.0], [5.0, 10.0, 0.5]]
    assert run(rows, 60.0, nms=dict(kind='linear')) == [[0, 10, 1], [5, 10, 0.25]]
