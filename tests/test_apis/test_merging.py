"""Answers of windows become the answer that a window over all would give."""

import numpy as np
import pytest
import torch
from bright_model import bright_runs

from mmvtg.apis.merging import WindowAnswer, average_saliency, merge_moments
from mmvtg.encoding.windows import plan_windows


def answer(start, end, rows=(), saliency=(), first_clip=0) -> WindowAnswer:
    rows = torch.tensor(rows, dtype=torch.float32).reshape(-1, 3)
    return WindowAnswer(
        start, end, rows[:, :2], rows[:, 2], torch.tensor(saliency), first_clip
    )


def merge(*answers, margin=2.0, **kwargs) -> list:
    spans, scores = merge_moments(answers, margin, **kwargs)
    rows = torch.cat([spans, scores[:, None]], dim=1)
    return [[round(value, 4) for value in row] for row in rows.tolist()]


def test_a_cut_moment_gives_way_to_the_window_that_sees_it_whole():
    # 90 to 110 s: cut by the end of the first window, whole in the second one
    first = answer(0, 100, [[90, 100, 0.9]])
    second = answer(50, 150, [[40, 60, 0.4]])
    assert merge(first, second) == [[90, 110, 0.4]]


def test_the_better_view_counts_even_if_it_sees_nothing():
    first, second = answer(0, 100, [[90, 99, 0.9]]), answer(50, 150)
    assert merge(first, second) == []


def test_moments_at_the_ends_of_the_video_are_not_cut():
    first = answer(0, 100, [[0, 5, 0.9]])
    second = answer(50, 150, [[95, 100, 0.8]])
    assert merge(first, second) == [[0, 5, 0.9], [145, 150, 0.8]]


def test_a_moment_longer_than_the_overlap_is_joined():
    first = answer(0, 100, [[30, 100, 0.8]])
    second = answer(50, 150, [[0, 70, 0.6]])
    assert merge(first, second) == [[30, 120, 0.7]]


def test_the_score_of_a_joined_moment_is_weighted_by_length():
    first = answer(0, 100, [[0, 100, 0.9]])
    second = answer(50, 150, [[0, 50, 0.6]])
    assert merge(first, second) == [[0, 100, 0.8]]  # (100 * 0.9 + 50 * 0.6) / 150
    first = answer(0, 100, [[40, 100, 0.5]])
    second = answer(50, 150, [[0, 100, 0.9]])
    assert merge(first, second) == [[40, 150, 0.75]]  # (60 * 0.5 + 100 * 0.9) / 160


def test_a_moment_over_many_windows_is_joined_to_one():
    ends = [[20, 100, 0.8]], [[0, 100, 0.8]], [[0, 60, 0.8]], [[0, 10, 0.8]]
    starts = range(0, 200, 50)
    answers = [answer(s, s + 100, rows) for s, rows in zip(starts, ends)]
    assert merge(*answers) == [[20, 160, 0.8]]


def test_pieces_of_unlike_score_stay_apart():
    first = answer(0, 100, [[30, 100, 0.9]])
    second = answer(50, 150, [[0, 95, 0.1]])
    assert merge(first, second) == [[30, 100, 0.9], [50, 145, 0.1]]


def test_best_is_joined_with_best():
    first = answer(0, 100, [[10, 100, 0.3], [40, 100, 0.8]])
    second = answer(50, 150, [[0, 80, 0.8], [0, 60, 0.3]])
    assert merge(first, second, iou_threshold=1.0) == [[40, 130, 0.8], [10, 110, 0.3]]


def test_two_windows_that_see_a_moment_count_once():
    first = answer(0, 100, [[60, 80, 0.8]])
    second = answer(50, 150, [[10, 31, 0.9]])
    assert merge(first, second) == [[60, 81, 0.9]]


def test_number_of_moments_is_bounded_and_suppressed_ones_are_gone():
    rows = [[i, i + 1, 0.5 + i / 1000] for i in range(3, 97)] + [[40, 41, 0.0]]
    merged = merge(answer(0, 100, rows), answer(50, 150), max_moments=7)
    assert [row[0] for row in merged] == [96, 95, 94, 93, 92, 91, 90]


def test_no_moments_at_all():
    assert merge(answer(0, 100), answer(50, 150)) == []


@pytest.mark.parametrize('seed', range(60))
def test_planted_moments_come_back(seed):
    """Whatever their lengths, wherever the borders are."""
    rng = np.random.default_rng(seed)
    size, total = int(rng.integers(20, 60)), int(rng.integers(10, 500))
    overlap = int(rng.integers(0, size // 2 + 1))
    bright = np.zeros(total, bool)
    position = 0
    while position < total:
        position += int(rng.integers(1, 40))  # dark
        end = position + int(rng.choice([rng.integers(1, 12), rng.integers(5, 150)]))
        bright[position:end] = True
        position = end
    wanted = bright_runs(bright)
    windows = plan_windows(total, size, overlap)
    answers = []
    for start, stop in windows:
        rows = [[a, b, 0.9] for a, b in bright_runs(bright[start:stop])]
        answers.append(answer(start, stop, rows))
    step = windows[1].start - windows[0].start if len(windows) > 1 else size
    spans, scores = merge_moments(answers, min(2.0, step / 4), max_moments=200)
    got = spans[spans[:, 0].argsort()]
    assert got.tolist() == wanted.tolist()
    assert torch.allclose(scores, torch.tensor(0.9))


def test_saliency_is_averaged_with_falling_weights():
    first = answer(0, 4, saliency=[1.0, 1.0, 1.0, 1.0])
    second = answer(2, 6, saliency=[0.0, 0.0, 0.0, 0.0], first_clip=2)
    merged = average_saliency([first, second])
    # weights 1 2 2 1: clip 2 is the third of the first window, the first of the second
    assert torch.allclose(merged, torch.tensor([1, 1, 2 / 3, 1 / 3, 0, 0]))
    assert merged.dtype == torch.float32


def test_windows_that_agree_change_nothing():
    curve = torch.rand(50)
    windows = plan_windows(50, 20, 10)
    answers = [answer(a, b, (), curve[a:b].tolist(), a) for a, b in windows]
    assert torch.allclose(average_saliency(answers), curve)
