"""Each item belongs to one process."""

import os

import pytest

from mmvtg.datasets.errors import AnnotationError
from mmvtg.extraction.work_list import (
    Shard,
    list_queries,
    list_videos,
    parse_shard,
)


def test_shards_share_everything():
    items = list(range(23))
    for count in (1, 2, 5, 40):
        parts = [Shard(index, count).pick(items) for index in range(count)]
        assert sorted(sum(parts, [])) == items
    assert Shard().part == 'main' and Shard(1, 3).part == 'shard-0001-of-0003'


@pytest.mark.parametrize(
    'environment,expected',
    [
        (dict(RANK='2', WORLD_SIZE='4'), (2, 4)),
        (
            dict(
                SLURM_ARRAY_TASK_ID='3',
                SLURM_ARRAY_TASK_COUNT='3',
                SLURM_ARRAY_TASK_MIN='1',
            ),
            (2, 3),
        ),
        (dict(SLURM_PROCID='0', SLURM_NTASKS='2'), (0, 2)),
    ],
)
def test_shard_of_the_environment(environment, expected):
    assert tuple(parse_shard('env', environment)) == expected


@pytest.mark.parametrize('text', ['4/4', '1', 'a/2', '-1/2', '1/0'])
def test_bad_shards(text):
    with pytest.raises(ValueError, match='want i/n'):
        parse_shard(text)


def test_env_without_variables():
    with pytest.raises(ValueError, match='RANK and WORLD_SIZE'):
        parse_shard('env', {})


def test_videos_of_a_folder_and_of_a_list(tmp_path):
    (tmp_path / 'sub').mkdir()
    for name in ('b.mp4', 'a.MKV', 'sub/c.webm', 'note.txt', '.hidden.mp4'):
        (tmp_path / name).touch()
    found = list_videos(str(tmp_path))
    assert [name for name, _ in found] == ['a', 'b', 'sub/c']
    listing = tmp_path / 'list.txt'
    listing.write_text(f'b.mp4\n\nmine\t{tmp_path}/sub/c.webm\n')
    assert list_videos(str(listing)) == [
        ('b', str(tmp_path / 'b.mp4')),
        ('mine', str(tmp_path / 'sub' / 'c.webm')),
    ]
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match='no video in'):
        list_videos(str(tmp_path / 'empty'))
    with pytest.raises(FileNotFoundError, match='name a folder of videos or a list'):
        list_videos(str(tmp_path / 'none'))


def test_what_is_left_out_is_said_in_one_line(tmp_path, monkeypatch):
    logged = []
    monkeypatch.setattr(
        'mmvtg.extraction.work_list.print_log', lambda *args: logged.append(args[0])
    )
    for name in ('a.mp4', 'b.wav', 'c.xyz', 'd', 'e.mp5', 'f.txt', 'g.json'):
        (tmp_path / name).touch()
    list_videos(str(tmp_path))
    (line,) = logged
    assert line.startswith(f'4 files in {tmp_path} do not end like videos')
    assert 'left out: b.wav, c.xyz, d, ....' in line and '\n' not in line
    for name in ('b.wav', 'c.xyz', 'd', 'e.mp5'):
        (tmp_path / name).unlink()
    list_videos(str(tmp_path))
    assert len(logged) == 1


def test_lists_name_folders_of_images_and_any_file(tmp_path):
    (tmp_path / 'v.1').mkdir()
    (tmp_path / 'v.1' / '0.jpg').touch()
    name = os.fsencode(tmp_path) + b'/caf\xe9.ts.mp4'
    open(name, 'wb').close()
    listing = tmp_path / 'list.txt'
    listing.write_bytes(b'\xef\xbb\xbfv.1\nw\tv.1/\r\ncaf\xe9.ts.mp4\nodd.name.xyz\n')
    assert list_videos(str(listing)) == [
        ('caf\\xe9.ts', os.fsdecode(name)),
        ('odd.name', str(tmp_path / 'odd.name.xyz')),
        ('v.1', str(tmp_path / 'v.1')),
        ('w', str(tmp_path / 'v.1') + '/'),
    ]
    assert ('v.1', str(tmp_path / 'v.1')) in list_videos(str(tmp_path))


def test_queries_of_an_annotation_file(tmp_path):
    path = tmp_path / 'a.jsonl'
    path.write_text('{"qid": 2, "query": "b"}\n{"vid": "v", "query": "c"}\n')
    assert list_queries(str(path)) == [('2', 'b'), ('v', 'c')]
    path.write_text('{"qid": 2, "query": "b"}\n{"qid": 2, "query": "c"}\n')
    with pytest.raises(AnnotationError, match='a.jsonl:2: 2 names two queries'):
        list_queries(str(path))


def test_links_that_lead_back_end(tmp_path):
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
        (tmp_path / name / f'{name}.mp4').touch()
    for index in range(20):  # 2 ** 20 paths and more, where links are not remembered
        (tmp_path / 'a' / f'b{index}').symlink_to(tmp_path / 'b')
        (tmp_path / 'b' / f'a{index}').symlink_to(tmp_path / 'a')
        (tmp_path / f'up{index}').symlink_to(tmp_path)
    (tmp_path / 'a' / 'self').symlink_to('self')
    assert [name for name, _ in list_videos(str(tmp_path))] == ['a/a', 'b/b']
