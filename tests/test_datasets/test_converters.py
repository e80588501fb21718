"""Official annotation files: what becomes of them, and of broken ones."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmvtg.datasets import AnnotationError, read_annotations
from mmvtg.datasets.converters import (
    TVSUM_VAL,
    Conversion,
    convert_ego4d_nlq,
    convert_sentences,
    convert_timestamps,
    convert_tvsum,
    convert_youtube,
    read_durations,
    read_split,
)
from mmvtg.datasets.moving_shapes.writer import write_video

ROOT = Path(__file__).parents[2]
DATA = ROOT / 'tests/data/annotations'


def _durations():
    return read_durations(str(DATA / 'charades_durations.csv'))


def test_charades_text():
    result = convert_sentences(str(DATA / 'charades_sta.txt'), _durations())
    assert result.lines[0] == dict(
        qid='AB1CD_0',
        query='a person puts a cup on a table.',
        vid='AB1CD',
        duration=33.67,
        relevant_windows=[[0.0, 6.9]],
    )
    windows = [line['relevant_windows'] for line in result.lines]
    assert windows == [[[0, 6.9]], [[12.1, 33.67]], [[3.5, 9]]]
    assert result.summary() == (
        '3 queries, 2 videos, 3 windows (1 ends past the video: clamp; 1 reversed '
        'windows: swap)'
    )


@pytest.mark.parametrize(
    'line, message',
    [
        ('AB1CD 0.0 6.9 no separator', 'not of the form "VID start end##sentence."'),
        ('AB1CD 0.0##one number.', 'not of the form'),
        ('AB1CD 0.0 6.9##', 'not of the form'),
        ('AB1CD 0.0 six##a cup.', "end = 'six' is not a number"),
        ('AB1CD 0.0 nan##a cup.', 'relevant_windows.* finite'),
        ('QQQQQ 0.0 6.9##a cup.', "no duration of video 'QQQQQ' is known"),
    ],
)
def test_malformed_lines_of_charades_are_named(tmp_path, line, message):
    path = tmp_path / 'a.txt'
    path.write_text(f'AB1CD 0.0 6.9##fine.\n{line}\n')
    with pytest.raises(AnnotationError, match=f'a.txt:2: .*{message}'):
        convert_sentences(str(path), _durations())


def test_a_video_name_that_leads_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / 'a.txt').write_text('../../x 0.0 6.9##a cup.\n')
    with pytest.raises(AnnotationError, match=r"a\.txt:1: vid = '../../x' is refused"):
        convert_sentences(str(tmp_path / 'a.txt'), {'../../x': 10.0})


def test_durations_of_every_kind(tmp_path):
    expected = dict(AB1CD=33.67, XY2ZW=20.0)
    assert _durations() == expected
    (tmp_path / 'a.json').write_text(json.dumps(expected))
    (tmp_path / 'b.json').write_text(
        json.dumps({k: dict(duration=v) for k, v in expected.items()})
    )
    lines = [json.dumps(dict(vid=k, duration=v)) for k, v in expected.items()]
    (tmp_path / 'c.jsonl').write_text('\n'.join(lines))
    for name in ('a.json', 'b.json', 'c.jsonl'):
        assert read_durations(str(tmp_path / name)) == expected
    (tmp_path / 'd.csv').write_text('id,seconds\nA,3\n')
    with pytest.raises(AnnotationError, match=r"d\.csv:1: no column 'length'"):
        read_durations(str(tmp_path / 'd.csv'))
    (tmp_path / 'e.csv').write_text('id,length\nA,3\nB,\n')
    with pytest.raises(AnnotationError, match=r"e\.csv:3: length = '' is not a number"):
        read_durations(str(tmp_path / 'e.csv'))
    with pytest.raises(FileNotFoundError, match='check --durations'):
        read_durations(str(tmp_path / 'absent.csv'))


def test_durations_of_a_folder_of_videos(tmp_path):
    write_video(tmp_path / 'a.mp4', np.zeros((24, 32, 32, 3), np.uint8))
    write_video(tmp_path / 'b.TS', np.zeros((16, 32, 32, 3), np.uint8))
    (tmp_path / 'notes.txt').write_text('no video')
    (tmp_path / 'images').mkdir()
    for number in range(12):
        Image.new('RGB', (8, 8)).save(tmp_path / 'images' / f'{number}.png')
    assert read_durations(str(tmp_path)) == {'a': 3.0, 'b': 2.0}
    assert read_durations(str(tmp_path), 24.0)['images'] == 0.5


def test_captions_json():
    result = convert_timestamps(str(DATA / 'captions.json'), qid_prefix='val_1_')
    assert [line['qid'] for line in result.lines] == [
        'val_1_v_one_0',
        'val_1_v_one_1',
        'val_1_v_two_2',
    ]
    assert result.lines[1]['query'] == 'She dances and bows.'
    assert result.lines[1]['relevant_windows'] == [[17.37, 90.0]]
    assert result.notes == {
        'reversed windows: drop': 1,
        'windows without length: drop': 1,
    }


def test_compositional_json_keeps_what_is_novel_and_clamps():
    path = str(DATA / 'novel_composition.json')
    (line,) = convert_timestamps(path, clamp=True).lines
    assert line['relevant_windows'] == [[4.14, 55.15]]
    assert line['novels'] == {'v-n': [['pull', 'rope']]}


def test_tacos_counts_frames():
    result = convert_timestamps(str(DATA / 'tacos.json'), clamp=True)
    first, second = result.lines
    assert first['vid'] == 's01-d02' and first['qid'] == 's01-d02_0'
    assert first['duration'] == pytest.approx(50)
    assert first['relevant_windows'][0] == pytest.approx([10, 20])
    assert second['relevant_windows'][0][1] == pytest.approx(50)


def test_ego4d_tree():
    result = convert_ego4d_nlq(str(DATA / 'ego4d_nlq.json'))
    first, second, third = result.lines
    assert first == dict(
        qid='ann-1_0',
        query='Where did I put the hammer?',
        vid='clip-1',
        duration=480.0,
        clip_uid='clip-1',
        annotation_uid='ann-1',
        query_idx=0,
        relevant_windows=[[425.0, 431.0]],
    )
    assert second['relevant_windows'] == [[10, 10]]
    assert third['qid'] == 'ann-2_0' and 'relevant_windows' not in third
    assert result.notes == {'queries without text: drop': 1}


def test_youtube_and_its_split(tmp_path):
    path = str(DATA / 'youtube_anno.json')
    result = convert_youtube(path, ['yt_2', 'gone'])
    assert result.lines == [
        dict(
            qid='yt_2',
            query='surfing',
            vid='yt_2',
            duration=8.0,
            domain='surfing',
            label=[[0], [1]],
            match=[-1, 1],
        )
    ]
    assert result.notes == {'videos of the split that the file lacks: drop': 1}
    assert convert_youtube(path, ['yt_1'], True).lines[0]['query'].startswith('Dog ju')
    with pytest.raises(AnnotationError, match="query id 'yt_1' is already that of"):
        convert_youtube(path, ['yt_1', 'yt_1'])
    (tmp_path / 'a.txt').write_text('yt_1\n\nyt_2\n')
    (tmp_path / 'a.json').write_text('["yt_1", "yt_2"]')
    (tmp_path / 'a.jsonl').write_text('{"vid": "yt_1"}\n{"vid": "yt_2"}\n')
    for name in ('a.txt', 'a.json', 'a.jsonl'):
        assert read_split(str(tmp_path / name)) == ['yt_1', 'yt_2']


def test_tvsum_has_one_test_video_a_domain():
    assert len(set(TVSUM_VAL)) == 10
    result = convert_tvsum(str(DATA / 'tvsum_anno.json'))
    assert result.lines[0]['label'] == [[1, 5, 3], [2, 2, 2]]
    assert result.lines[0]['duration'] == 4.0
    assert result.lines[0]['query'] == 'How to fix a tire'


@pytest.mark.parametrize(
    'name, content, message',
    [
        ('captions', '{"v": {"duration": 3,', 'not valid JSON'),
        ('captions', '[1]', 'not a JSON object of videos'),
        ('captions', '{"v": {}, "v": {}}', "'v' comes twice in one object"),
        ('captions', '{"v": []}', "video 'v': not a JSON object"),
        ('captions', '{"v": {"sentences": []}}', "video 'v': field 'duration' is miss"),
        (
            'captions',
            '{"v": {"duration": 3, "timestamps": [[0, 1]], "sentences": []}}',
            "video 'v': sentences is not a list as long as timestamps",
        ),
        (
            'captions',
            '{"v": {"duration": 3, "timestamps": [[0]], "sentences": ["a"]}}',
            r'timestamps\[0\] = \[0\] is not \[start, end\]',
        ),
        (
            'captions',
            '{"v": {"duration": 3, "timestamps": [["x", 1]], "sentences": ["a"]}}',
            "video 'v', sentence 0: timestamp = 'x' is not a number",
        ),
        (
            'captions',
            '{"../v": {"duration": 3, "timestamps": [[0, 1]], "sentences": ["a"]}}',
            "vid = '../v' is refused",
        ),
        (
            'captions',
            '{"v": {"fps": 0, "num_frames": 3, "timestamps": [], "sentences": []}}',
            'fps = 0 is not positive',
        ),
        ('ego4d', '{"clips": []}', "field 'videos' is missing.*Is this the right"),
        ('ego4d', '{"videos": [1]}', 'videos: not a list of JSON objects'),
        ('ego4d', '{"videos": [{"clips": [{}]}]}', "field 'clip_uid' is missing"),
        ('youtube', '{"yt_1": {"domain": "dog"}}', "video 'yt_1': field 'match' is"),
        (
            'youtube',
            '{"yt_1": {"domain": "dog", "match": [1], "frames": 3, "fps": 0}}',
            'fps = 0 is not positive',
        ),
        (
            'tvsum',
            '{"v": {"anno": [[1], [1, 2]], "title": "t", "domain": "VT", '
            '"frames": 9, "fps": 3}}',
            "video 'v': label is not one number",
        ),
    ],
)
def test_malformed_json_is_named(tmp_path, name, content, message):
    path = tmp_path / 'a.json'
    path.write_text(content)
    convert = dict(
        captions=convert_timestamps,
        ego4d=convert_ego4d_nlq,
        youtube=lambda p: convert_youtube(p, ['yt_1']),
        tvsum=convert_tvsum,
    )[name]
    with pytest.raises(AnnotationError, match=rf'a\.json: .*{message}'):
        convert(str(path))


def test_a_cut_off_gzip_is_named(tmp_path):
    packed = gzip.compress((DATA / 'captions.json').read_bytes())
    (tmp_path / 'a.json.gz').write_bytes(packed[:-20])
    with pytest.raises(AnnotationError, match='cut off or damaged'):
        convert_timestamps(str(tmp_path / 'a.json.gz'))


TOOLS = {
    'charades_sta': ['charades_sta.txt', '--durations', 'charades_durations.csv'],
    'tacos': ['tacos.json'],
    'activitynet_captions': ['captions.json'],
    'compositional': ['novel_composition.json'],
    'ego4d_nlq': ['ego4d_nlq.json'],
    'youtube_highlights': ['youtube_anno.json', '--split', 'youtube.txt'],
    'tvsum': ['tvsum_anno.json', '--split', 'train'],
}


def _run(tool, arguments, folder):
    command = [sys.executable, str(ROOT / f'tools/dataset_converters/{tool}.py')]
    return subprocess.run(
        [*command, *arguments], cwd=folder, capture_output=True, text=True
    )


@pytest.mark.parametrize('tool', TOOLS)
def test_a_tool_writes_what_the_data_set_reads(tmp_path, tool):
    (tmp_path / 'youtube.txt').write_text('yt_1\n')
    for path in DATA.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    source, *rest = TOOLS[tool]
    done = _run(tool, [source, 'out/split.jsonl', *rest], tmp_path)
    assert done.returncode == 0, done.stderr
    samples = read_annotations(str(tmp_path / 'out/split.jsonl'), 2.0)
    assert done.stdout.startswith(f'out/split.jsonl: {len(samples)} queries')


def test_a_tool_says_what_is_wrong_and_writes_nothing(tmp_path):
    (tmp_path / 'a.txt').write_text('rubbish\n')
    (tmp_path / 'd.json').write_text('{}')
    done = _run('charades_sta', ['a.txt', 'b', '--durations', 'd.json'], tmp_path)
    assert done.returncode == 1 and done.stderr.startswith('error: a.txt:1: ')
    done = _run('charades_sta', ['a.txt', 'b'], tmp_path)
    assert 'give --durations' in done.stderr
    assert not (tmp_path / 'b').exists()


def test_byte_order_mark_and_compression_of_a_csv(tmp_path):
    data = '\ufeffid,length\nA.mp4,3\n\n"B",4.5\n'.encode()
    (tmp_path / 'a.csv').write_bytes(data)
    (tmp_path / 'b.csv.gz').write_bytes(gzip.compress(data))
    for name in ('a.csv', 'b.csv.gz'):
        assert read_durations(str(tmp_path / name)) == dict(A=3.0, B=4.5)
    (tmp_path / 'c.csv').write_bytes(data + b'C,x\n')
    with pytest.raises(AnnotationError, match=r"c\.csv:5: length = 'x'"):
        read_durations(str(tmp_path / 'c.csv'))


@pytest.mark.parametrize('clamp', [True, False])
def test_negative_starts_are_clamped_and_counted(clamp):
    result = Conversion('a', clamp=clamp)
    assert result.window(-1.5, 4, 10, 'a:1') == [0, 4]
    assert result.window(-3, -1, 10, 'a:2') is None
    assert result.notes == {
        'starts before the video: clamp': 2,
        'windows before the video: drop': 1,
    }


def test_suffixes_of_video_files_are_no_part_of_ids(tmp_path):
    (tmp_path / 'a.txt').write_text('x.MP4 0.0 6.9##a cup.\ny.v2 0.0 1.0##b.\n')
    durations = {'x': 10.0, 'y.v2': 10.0}
    result = convert_sentences(str(tmp_path / 'a.txt'), durations)
    assert [line['vid'] for line in result.lines] == ['x', 'y.v2']
    record = dict(duration=9, timestamps=[[0, 1]], sentences=['a cup'])
    (tmp_path / 'a.json').write_text(json.dumps({'x.mkv': record}))
    (line,) = convert_timestamps(str(tmp_path / 'a.json')).lines
    assert (line['vid'], line['qid']) == ('x', 'x_0')
    (tmp_path / 'd.json').write_text(json.dumps({'x.mp4': 9}))
    assert read_durations(str(tmp_path / 'd.json')) == dict(x=9)
    (tmp_path / 'split.txt').write_text('x.mp4\n')
    assert read_split(str(tmp_path / 'split.txt')) == ['x']


def test_label_left_in_queries_of_ego4d_is_removed(tmp_path):
    queries = [
        dict(query='Query Text: Where is the cup?', clip_start_sec=0, clip_end_sec=2),
        dict(query='query text:', clip_start_sec=0, clip_end_sec=2),
        dict(query='What is query text?', clip_start_sec=-1, clip_end_sec=-0.5),
    ]
    clip = dict(
        clip_uid='c',
        video_start_sec=0,
        video_end_sec=9,
        annotations=[dict(annotation_uid='u', language_queries=queries)],
    )
    path = tmp_path / 'nlq.json'
    path.write_text(json.dumps(dict(videos=[dict(video_uid='v', clips=[clip])])))
    result = convert_ego4d_nlq(str(path))
    assert [line['query'] for line in result.lines] == ['Where is the cup?']
    assert result.notes['labels "Query Text:": remove'] == 2
    assert result.notes['queries without text: drop'] == 1


def test_counts_of_what_was_dropped_if_nothing_is_left(tmp_path):
    (tmp_path / 'a.txt').write_text('A 1.0 1.0##a cup.\nA 9.5 12.0##a cup.\n')
    result = convert_sentences(str(tmp_path / 'a.txt'), dict(A=5.0))
    why = r'no query is left \(1 ends past .*; 1 windows past .*; 1 windows without'
    with pytest.raises(AnnotationError, match=why):
        result.save(str(tmp_path / 'out.jsonl'))


def test_json_list_instead_of_json_lines_is_one_error(tmp_path):
    path = tmp_path / 'a.jsonl'
    path.write_text(json.dumps([dict(vid='a', duration=3)] * 20, indent=1))
    with pytest.raises(AnnotationError, match='a.jsonl:1: this is one JSON document'):
        read_durations(str(path))
