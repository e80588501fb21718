"""Span arithmetic and the grids of time."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmvtg.structures import (
    GroundingDataSample,
    VideoFeatures,
    clean_moments,
    clips_to_seconds,
    num_clips,
    resample_clips,
    seconds_to_clips,
    span_iou,
    window_starts,
)

times = st.floats(0, 200, allow_nan=False)


def slow_iou(a, b):
    inter = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    union = (a[1] - a[0]) + (b[1] - b[0]) - inter
    return inter / union if union > 0 else 0.0


@given(st.lists(st.tuples(times, times), min_size=1, max_size=5), times, times)
def test_iou_equals_the_loop(spans, start, end):
    spans = [sorted(span) for span in spans]
    other = sorted([start, end])
    fast = span_iou(
        torch.tensor(spans, dtype=torch.float64),
        torch.tensor([other], dtype=torch.float64),
    )
    slow = [[slow_iou(span, other)] for span in spans]
    assert np.allclose(fast.numpy(), slow, atol=1e-9)


def test_iou_of_empty_spans_is_zero():
    empty = torch.tensor([[3.0, 3.0]])
    assert span_iou(empty, empty).item() == 0


@given(st.floats(1, 500), st.sampled_from([0.5, 1.0, 2.0]))
def test_seconds_and_clips_are_inverse(seconds, fps):
    assert clips_to_seconds(seconds_to_clips(seconds, fps), fps) == pytest.approx(
        seconds
    )


def test_num_clips_forgives_rounding_and_counts_whole_clips():
    assert num_clips(150, 0.5) == 75
    assert num_clips(149.9999, 0.5) == 75
    assert num_clips(149, 0.5) == 74
    assert num_clips(1.9, 0.5) == 0


@given(
    st.lists(st.tuples(st.floats(-20, 250), st.floats(-20, 250)), max_size=4),
    st.floats(4, 150),
)
def test_clean_moments_are_inside_and_long_enough(spans, max_time):
    cleaned = clean_moments(np.array(spans).reshape(-1, 2), max_time, 2.0)
    assert cleaned.shape == (len(spans), 2)
    assert (cleaned >= -1e-9).all() and (cleaned <= max_time + 1e-9).all()
    assert (cleaned[:, 1] - cleaned[:, 0] >= 2.0 - 1e-9).all()


def test_clean_moments_swaps_reversed_ends():
    cleaned = clean_moments(np.array([[30.0, 12.5]]), 40, 1)
    assert cleaned.tolist() == [[12.5, 30.0]]


@pytest.mark.parametrize('fps, clip_length', [(1.0, 2.0), (2.0, 2.0), (0.25, 2.0)])
def test_resampled_clips_equal_a_loop_over_time(fps, clip_length):
    values = np.random.default_rng(0).normal(size=21)
    result = resample_clips(values, fps, clip_length)
    ratio = fps * clip_length
    expected = []
    if ratio >= 1:
        for start in range(0, len(values), int(ratio)):
            expected.append(values[start : start + int(ratio)].mean())
    else:
        for value in values:
            expected += [value] * int(1 / ratio)
    assert np.allclose(result, expected)


@pytest.mark.parametrize(
    'fps, clip_length, groups',
    [(0.75, 2.0, [[0, 1], [2], [3, 4], [5]]), (1.0, 2.0, [[0, 1], [2, 3], [4, 5]])],
)
def test_a_clip_is_averaged_where_it_starts(fps, clip_length, groups):
    values = np.random.default_rng(0).normal(size=6)
    expected = [values[group].mean() for group in groups]
    assert np.allclose(resample_clips(values, fps, clip_length), expected)


def test_windows_are_a_stride_apart():
    assert window_starts(10, 4, 3) == [0, 3, 6]
    assert window_starts(11, 4, 3) == [0, 3, 6, 7]
    assert window_starts(4, 4, 3) == [0]


@pytest.mark.parametrize('kind', [np.int64, np.float32])
def test_cleaned_moments_are_double_precision(kind):
    cleaned = clean_moments(np.array([[1, 5], [2, 9]], dtype=kind), 40, 1)
    assert cleaned.dtype == np.float64
    assert cleaned.tolist() == [[1, 5], [2, 9]]


def test_an_equal_grid_is_left_untouched():
    values = np.random.default_rng(0).normal(size=7)
    assert resample_clips(values, 0.5, 2.0) is values


def test_queries_of_one_video_get_rows_of_their_own():
    rng = torch.Generator().manual_seed(0)
    video = VideoFeatures(
        mask=torch.tensor([[True, True], [True, False]]),
        layers=[torch.randn(2, 2, 3, 4, generator=rng) for _ in range(2)],
        clips=torch.randn(2, 2, 4, generator=rng),
        motion=torch.randn(2, 2, 5, generator=rng),
    )
    assert video.spread() is video
    video.owners = torch.tensor([1, 0, 1])
    found = video.spread()
    assert found.owners is None
    for field in ('mask', 'clips', 'motion'):
        assert torch.equal(getattr(found, field), getattr(video, field)[[1, 0, 1]])
    assert all(
        torch.equal(one, layer[[1, 0, 1]])
        for one, layer in zip(found.layers, video.layers, strict=True)
    )
    bare = VideoFeatures(mask=video.mask, owners=video.owners).spread()
    assert bare.clips is None and bare.motion is None and bare.layers == []


def test_data_sample_refuses_other_types():
    sample = GroundingDataSample()
    with pytest.raises(AssertionError):
        sample.gt_saliency = [1, 2]
    assert sample.gt_saliency is None
