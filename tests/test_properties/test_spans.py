"""Laws of spans: symmetry, bounds, round trips, units."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmvtg.structures import (
    center_to_span,
    clean_moments,
    num_clips,
    resample_clips,
    span_giou,
    span_iou,
    span_to_center,
    window_starts,
)

#: Milliseconds; spans of less than a millionth of a second are beside the point.
numbers = st.integers(0, 10_000_000).map(lambda n: n / 1000)
spans = arrays(np.float64, st.tuples(st.integers(1, 6), st.just(2)), elements=numbers)
spans = spans.map(lambda a: torch.from_numpy(np.sort(a, axis=1)))


@given(spans, spans)
def test_iou_is_symmetric_and_within_bounds(a, b):
    iou = span_iou(a, b)
    assert torch.equal(iou, span_iou(b, a).T)
    assert ((iou >= 0) & (iou <= 1)).all()


@given(spans, spans)
def test_giou_is_symmetric_within_bounds_and_at_most_the_iou(a, b):
    giou = span_giou(a[:, None], b[None])
    assert torch.equal(giou, span_giou(b[:, None], a[None]).T)
    assert ((giou >= -1) & (giou <= 1)).all()
    assert (giou <= span_iou(a, b) + 1e-9).all()


@given(spans)
def test_a_span_overlaps_itself_wholly_unless_it_is_empty(a):
    itself = span_iou(a, a).diagonal()
    wide = a[:, 1] > a[:, 0]
    assert (itself[wide] == 1).all() and (itself[~wide] == 0).all()
    assert torch.allclose(span_giou(a, a)[wide], torch.ones(1).double())


@given(spans, spans, st.floats(0.1, 10), st.floats(-50, 50))
def test_neither_unit_nor_origin_matters(a, b, scale, shift):
    moved = span_iou(a * scale + shift, b * scale + shift)
    assert torch.allclose(moved, span_iou(a, b), atol=1e-6)


@given(spans)
def test_center_and_width_are_another_way_to_write_a_span(a):
    assert torch.allclose(center_to_span(span_to_center(a)), a, atol=1e-9)


@given(
    arrays(np.float64, (3, 2), elements=st.floats(-1e4, 1e4)),
    st.floats(0.5, 1e4),
    st.floats(0.01, 2),
)
def test_cleaned_moments_lie_in_the_video_and_are_wide_enough(moments, end, shortest):
    cleaned = clean_moments(moments, end, shortest)
    length = cleaned[:, 1] - cleaned[:, 0]
    assert (length >= min(shortest, end) - 1e-6).all()
    if shortest <= end:
        assert (cleaned >= -1e-6).all() and (cleaned <= end + 1e-6).all()
    again = clean_moments(cleaned, end, shortest)
    assert np.allclose(again, cleaned, atol=1e-6)


@given(st.integers(0, 10_000), st.sampled_from([0.5, 1.0, 2.0, 0.57, 29.97]))
def test_whole_clips_are_counted(clips, fps):
    assert num_clips(clips / fps, fps) == clips


@given(
    arrays(np.float64, st.integers(1, 80), elements=st.floats(-5, 5)),
    st.floats(0.2, 4),
    st.floats(0.2, 4),
)
def test_resampling_invents_no_values(values, fps, clip_length):
    out = resample_clips(values, fps, clip_length)
    assert len(out) == np.ceil(len(values) / fps / clip_length - 1e-6) or (
        abs(fps * clip_length - 1) < 1e-6 and len(out) == len(values)
    )
    assert out.min() >= values.min() - 1e-9 and out.max() <= values.max() + 1e-9


@settings(max_examples=50)
@given(st.integers(1, 2000), st.integers(1, 300), st.integers(1, 300))
def test_windows_cover_a_video_and_none_leaves_it(length, size, stride):
    stride = min(stride, size)
    starts = window_starts(length, size, stride)
    covered = np.zeros(length, bool)
    for start in starts:
        assert start >= 0 and (start + size <= length or start == 0)
        covered[start : start + size] = True
    assert covered.all() and starts == sorted(set(starts))
