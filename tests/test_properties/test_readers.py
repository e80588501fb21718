"""Annotation readers against files of all kinds: a sample, or an error with a place."""

import gzip
import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmvtg.datasets.action_lists import read_action_list
from mmvtg.datasets.annotations import read_annotations
from mmvtg.datasets.caption_lists import read_captions
from mmvtg.datasets.class_lists import read_class_list
from mmvtg.datasets.detection_annotations import read_detection_annotations
from mmvtg.datasets.errors import AnnotationError

fuzz = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(['../x', '/x', 'v1', '', ' ', 'NaN', '1e400', '\x00', 'a/b', '💥']),
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner)
    ),
    max_leaves=8,
)
VALID = dict(
    qid=1,
    query='a red circle',
    vid='v1',
    duration=40,
    relevant_windows=[[4, 10]],
    relevant_clip_ids=[2, 3, 4],
    saliency_scores=[[1, 2, 3], [4, 4, 4], [0, 1, 0]],
)
#: A valid line with some of its fields replaced.
spoilt = st.dictionaries(st.sampled_from(sorted(VALID)), values, max_size=3).map(
    lambda changes: {**VALID, **changes}
)


def check_samples(samples: list) -> None:
    for sample in samples:
        assert sample['query'].strip() and sample['duration'] > 0
        assert math.isfinite(sample['duration'])
        moments = sample['moments']
        assert moments.dtype == np.float64 and moments.shape[1:] == (2,)
        assert np.isfinite(moments).all()
        assert '..' not in str(sample['video_id']).split('/')


def read_or_explain(read, path, *args) -> list:
    """What a reader gives, or [] if it says where the fault is."""
    try:
        return read(str(path), *args)
    except AnnotationError as error:
        assert path.name in str(error)
        return []


@fuzz
@given(line=spoilt, position=st.integers(0, 2))
def test_spoilt_lines_are_read_or_named(tmp_path, line, position):
    path = tmp_path / 'a.jsonl'
    lines = [dict(VALID, qid=f'q{i}') for i in range(2)]
    lines.insert(position, line)
    path.write_text('\n'.join(json.dumps(item) for item in lines))
    try:
        check_samples(read_annotations(str(path), 2.0))
    except AnnotationError as error:
        assert f'a.jsonl:{position + 1}:' in str(error)


@fuzz
@given(values)
def test_any_json_is_read_or_named(tmp_path, value):
    path = tmp_path / 'a.jsonl'
    path.write_text(json.dumps(value))
    check_samples(read_or_explain(read_annotations, path, 2.0))


@fuzz
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_named(tmp_path, data, compressed):
    path = tmp_path / ('a.jsonl.gz' if compressed else 'a.jsonl')
    path.write_bytes(data)
    check_samples(read_or_explain(read_annotations, path, 2.0))


@fuzz
@given(st.data())
def test_a_damaged_archive_is_named(tmp_path, data):
    whole = gzip.compress(b'\n'.join([json.dumps(VALID).encode()] * 1))
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if damaged:
            place = data.draw(st.integers(0, len(damaged) - 1))
            damaged[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path / 'a.jsonl.gz'
    path.write_bytes(bytes(damaged))
    check_samples(read_or_explain(read_annotations, path, 2.0))


segment = st.fixed_dictionaries({}, optional={'segment': values, 'label': values})
video = st.fixed_dictionaries(
    {},
    optional={
        'duration': values,
        'subset': values,
        'annotations': st.lists(segment, max_size=2) | values,
    },
)


@fuzz
@given(
    st.fixed_dictionaries(
        {'database': st.dictionaries(st.text(max_size=5), video | values) | values}
    )
    | values
)
def test_detection_annotations(tmp_path, content):
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(content))
    for entry in dict(read_or_explain(read_detection_annotations, path)).values():
        assert entry['segments'].shape == (len(entry['names']), 2)


@fuzz
@given(
    st.lists(st.text(max_size=20), max_size=4),
    st.sampled_from(['labelled', 'folder', 'segments']),
)
def test_action_lists(tmp_path, lines, layout):
    path = tmp_path / 'a.txt'
    path.write_text('\n'.join(lines), encoding='utf-8', errors='ignore')
    for item in read_or_explain(read_action_list, path, layout):
        assert item['path'] and item['where'].startswith(str(path))


@pytest.mark.parametrize('layout', ['jsonl', 'csv', 'msrvtt', 'lsmdc', 'didemo'])
@fuzz
@given(data=st.data())
def test_captions(tmp_path, layout, data):
    path = tmp_path / 'a.txt'
    text = data.draw(st.text(max_size=60) | values.map(json.dumps))
    path.write_text(text, encoding='utf-8', errors='ignore')
    for item in read_or_explain(read_captions, path, layout):
        assert item['path'] and item['caption']


@fuzz
@given(st.text(max_size=60) | values.map(json.dumps), st.sampled_from(['txt', 'json']))
def test_class_lists(tmp_path, text, suffix):
    path = tmp_path / f'a.{suffix}'
    path.write_text(text, encoding='utf-8', errors='ignore')
    names = read_or_explain(read_class_list, path)
    assert len(set(names)) == len(names)
