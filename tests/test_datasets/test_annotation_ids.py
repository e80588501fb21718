"""Ids of videos and queries: any script, no way out of the data folder, no doubles."""

import json

import numpy as np
import pytest

from mmvtg.datasets import AnnotationError, BadSampleError, GroundingDataset
from mmvtg.datasets.annotations import parse_sample, read_annotations

PIPELINE = [dict(type='LoadStoredFeatures'), dict(type='PackGroundingInputs')]


def _build(root, **kwargs):
    prefix = dict(video='video', query='query')
    settings = dict(data_prefix=prefix, fps=0.5, pipeline=PIPELINE, **kwargs)
    return GroundingDataset('train.jsonl', data_root=str(root), **settings)


@pytest.mark.parametrize('field', ['vid', 'qid'])
@pytest.mark.parametrize(
    'value',
    [
        '../../etc/passwd',
        '..',
        'a/../../b',
        '/etc/passwd',
        '\\\\server\\share',
        '..\\..\\x',
        'C:\\x',
        'a\x00b',
        'a\nb',
        './x',
    ],
)
def test_ids_that_lead_out_of_the_folder_are_refused(line, field, value):
    item = dict(line(0), **{field: value})
    with pytest.raises(AnnotationError, match=f'x.jsonl:7: {field} = .* is refused'):
        parse_sample(item, 'x.jsonl:7', 2.0)


@pytest.mark.parametrize('value', [[1], {}, 1.5, True, '', '  '])
def test_ids_are_text_or_whole_numbers(line, value):
    item = dict(line(0), vid=value)
    with pytest.raises(AnnotationError, match='vid = .* is not text, nor a whole'):
        parse_sample(item, 'x.jsonl:7', 2.0)


def test_half_a_character_is_refused(line):
    item = json.loads(json.dumps(dict(line(0), vid='a')).replace('"a"', '"\\ud83d"'))
    with pytest.raises(AnnotationError, match='vid = .* is not valid Unicode'):
        parse_sample(item, 'x.jsonl:7', 2.0)


@pytest.mark.parametrize(
    'name', ['видео', 'ü-日本', 'a..b', '...', '-x_1', 'a b', 'part1/scene', '🎬']
)
def test_ids_of_any_script_name_their_files(make_store, line, tmp_path, name):
    (tmp_path / 'video').mkdir()
    (tmp_path / 'video/part1').mkdir()
    item = _build(make_store([line(0, vid=name)]), test_mode=True)[0]
    assert item['data_samples'].video_id == name
    stored = np.load(tmp_path / f'video/{name}.npy')
    assert np.array_equal(item['inputs']['video'], stored)


def test_a_query_id_that_comes_twice_is_named_with_both_lines(make_store, line):
    root = make_store([line(0), line(1), dict(line(2), qid='0')])
    with pytest.raises(
        AnnotationError, match=r"train\.jsonl:3: query id '0' is already .*jsonl:1;"
    ):
        _build(root)


def test_two_queries_of_a_video_need_ids_of_their_own(tmp_path, line):
    lines = [dict(line(0), qid=None), dict(line(0), qid=None, query='another')]
    (tmp_path / 'a.jsonl').write_text('\n'.join(map(json.dumps, lines)))
    with pytest.raises(AnnotationError, match='give each line a "qid"'):
        read_annotations(str(tmp_path / 'a.jsonl'), 2.0)


def test_a_query_that_is_not_text_is_refused(line):
    with pytest.raises(AnnotationError, match=r"query = \['a'\] is not text"):
        parse_sample(line(0, query=['a']), 'x.jsonl:7', 2.0)


def test_a_byte_order_mark_is_no_error(tmp_path, line):
    text = '\ufeff' + json.dumps(line(0))
    (tmp_path / 'a.jsonl').write_text(text, encoding='utf-8')
    assert len(read_annotations(str(tmp_path / 'a.jsonl'), 2.0)) == 1


def test_an_annotation_for_a_missing_video(make_store, line, tmp_path):
    root = make_store([line(0), line(1)])
    (root / 'videos').mkdir()
    (root / 'videos/v0.mp4').write_bytes(b'something')
    (root / 'videos/v1.mp4').write_bytes(b'')
    settings = dict(data_prefix=dict(raw='videos'), fps=0.5, pipeline=[])
    settings.update(ann_file='train.jsonl', data_root=str(root))
    dataset = GroundingDataset(**settings)
    assert [sample['video_id'] for sample in dataset] == ['v0']
    assert list(dataset.left_out) == ['missing or empty video file']
    with pytest.raises(BadSampleError, match=r'missing or empty video.*v1\.mp4'):
        GroundingDataset(test_mode=True, **settings)
