"""Points of the pyramid and the targets they get."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmvtg.models.task_modules import PointGenerator, PointTargetAssigner


def test_points_stand_at_the_start_of_their_stride():
    points = PointGenerator((1, 2, 4))([5, 2, 1], torch.device('cpu'))
    inf = float('inf')
    expected = [[n, 0, 2, 1] for n in range(5)] + [[n, 2, 4, 2] for n in (0, 2)]
    assert torch.equal(points, torch.tensor([*expected, [0, 4, inf, 4]]))


def test_levels_that_a_short_video_lacks_have_no_points():
    assert len(PointGenerator((1, 2, 4, 8))([3, 1], torch.device('cpu'))) == 4


def test_ranges_are_one_a_level():
    with pytest.raises(ValueError, match='ranges'):
        PointGenerator((1, 2), ranges=[(0, 4)])


def slow_assign(points, moments, radius):
    """One point and one moment at a time."""
    results = []
    for x, low, high, stride in points:
        matches = []
        for a, b in moments:
            middle = (a + b) / 2
            near = max(a, middle - radius * stride) <= x
            near = near and x <= min(b, middle + radius * stride)
            if near and low <= max(x - a, b - x) <= high:
                matches.append((b - a, (x - a) / stride, (b - x) / stride))
        results.append(min(matches, key=lambda m: m[0]) if matches else None)
    return results


# on a grid of eighths float32 is exact, so both sides agree on every border
eighths = st.integers(0, 40 * 8).map(lambda n: n / 8)
pairs = st.tuples(eighths, eighths).filter(lambda p: p[0] < p[1])


@settings(max_examples=60, deadline=None)
@given(st.lists(pairs, min_size=1, max_size=4, unique_by=lambda p: p[1] - p[0]))
def test_assigner_equals_the_slow_loop(moments):
    points = PointGenerator((1, 2, 4, 8))([40, 20, 10, 5], torch.device('cpu'))
    positive, distances = PointTargetAssigner(1.5)(points, torch.tensor([moments]))
    expected = slow_assign(points.tolist(), moments, 1.5)
    for found, pair, match in zip(positive[0], distances[0], expected):
        assert found.item() == (match is not None)
        assert pair.tolist() == pytest.approx(match[1:] if match else (0, 0))


def test_padded_and_absent_moments_match_nothing():
    points = PointGenerator((1, 2))([8, 4], torch.device('cpu'))
    inf = float('inf')
    moments = torch.tensor([[[2.0, 4.0], [inf, inf]], [[inf, inf], [inf, inf]]])
    positive, distances = PointTargetAssigner()(points, moments)
    alone, _ = PointTargetAssigner()(points, moments[:1, :1])
    assert torch.equal(positive[:1], alone)
    assert alone.any()
    assert not positive[1].any()
    assert distances.isfinite().all()
    positive, distances = PointTargetAssigner()(points, torch.zeros(2, 0, 2))
    assert positive.shape == (2, 12)
    assert not positive.any()
    assert distances.shape == (2, 12, 2)


def test_default_radius_is_that_of_the_paper():
    assert PointTargetAssigner().radius == 1.5
