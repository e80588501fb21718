"""Counts of the official files; they are read where MMVTG_ANNOTATIONS_DIR has them.

The files may not be copied into this repository. The folder holds them as
``qvhighlights/highlight_train_release.jsonl.gz`` and so on. Without the variable, the
tests are skipped; a file that its folder lacks is a failure.
"""

import os
from pathlib import Path

import pytest

from mmvtg.datasets import GroundingDataset, read_json_lines
from mmvtg.datasets.converters import convert_timestamps, convert_youtube, read_split

#: file -> queries, videos, windows
READ_AS_THEY_COME = {
    'qvhighlights/highlight_train_release': (7218, 7100, 12803),
    'qvhighlights/highlight_val_release': (1550, 1519, 2803),
    'qvhighlights/highlight_test_release': (1542, 1529, 0),
    'charades_sta/charades_sta_train_tvr_format': (12404, 5336, 12404),
    'charades_sta/charades_sta_test_tvr_format': (3720, 1334, 3720),
    'tacos/tacos_train': (9790, 75, 9790),
    'tacos/tacos_val': (4436, 27, 4436),
    'tacos/tacos_test': (4001, 25, 4001),
    'activitynet_captions/activitynet_val_1': (17505, 4917, 17505),
    'activitynet_captions/activitynet_val_2': (17031, 4885, 17031),
    'activitynet_captions/activitynet_val_release': (17505, 4917, 17505),
    'youtube_highlights/youtube_highlight_train_release': (233, 233, 0),
    'youtube_highlights/youtube_highlight_val_release': (152, 152, 0),
    'tvsum/tvsum_train': (40, 40, 0),
    'tvsum/tvsum_val': (10, 10, 0),
    'tvsum/tvsum_train_sfc': (40, 40, 0),
    'tvsum/tvsum_val_sfc': (10, 10, 0),
}
CONVERTED = {
    'mmn/Charades_STA_charades_train': (12404, 5336),
    'mmn/Charades_STA_charades_test': (3720, 1334),
    'mmn/TACoS_train': (9790, 75),
    'mmn/TACoS_val': (4436, 27),
    'mmn/TACoS_test': (4001, 25),
    'compositional/Charades-CG/train': (8281, 3555),
    'compositional/Charades-CG/test_trivial': (3096, 1689),
    'compositional/Charades-CG/novel_composition': (3442, 2480),
    'compositional/Charades-CG/novel_word': (695, 580),
    'compositional/ActivityNet-CG/train': (36720, 9659),  # 4 of 36724 are dropped
    'compositional/ActivityNet-CG/test_trivial': (15712, 4775),
    'compositional/ActivityNet-CG/novel_composition': (12028, 4202),
    'compositional/ActivityNet-CG/novel_word': (3920, 1991),
}


def _path(name: str) -> str:
    folder = os.environ.get('MMVTG_ANNOTATIONS_DIR')
    if not folder:
        pytest.skip('official annotations: set MMVTG_ANNOTATIONS_DIR')
    path = Path(folder, name)
    assert path.is_file(), f'MMVTG_ANNOTATIONS_DIR is set, but {path} does not exist'
    return str(path)


@pytest.mark.parametrize('name', READ_AS_THEY_COME)
@pytest.mark.parametrize('test_mode', [False, True])
def test_the_data_set_reads_every_line(name, test_mode):
    path = _path(f'{name}.jsonl.gz')
    fps = 'auto' if 'youtube' in name else 0.5
    dataset = GroundingDataset(path, fps, test_mode=test_mode, pipeline=[])
    samples = [dataset.get_data_info(index) for index in range(len(dataset))]
    videos = {sample['video_id'] for sample in samples}
    windows = sum(len(sample['moments']) for sample in samples)
    assert (len(samples), len(videos), windows) == READ_AS_THEY_COME[name]


@pytest.mark.parametrize('name', CONVERTED)
def test_counts_of_converted_files(name):
    suffix = '.avi' if 'TACoS' in name else ''
    result = convert_timestamps(_path(f'{name}.json.gz'), suffix=suffix, clamp=True)
    assert result.counts()[:2] == CONVERTED[name]


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_tacos_becomes_the_lines_that_circulate(split):
    source = _path(f'mmn/TACoS_{split}.json.gz')
    lines = convert_timestamps(source, suffix='.avi', clamp=True).lines
    for line, (_, known) in zip(
        lines, read_json_lines(_path(f'tacos/tacos_{split}.jsonl.gz'))
    ):
        assert line == dict(known, query=known['query'].strip())


@pytest.mark.parametrize('split', ['train', 'val'])
def test_youtube_becomes_the_lines_that_circulate(split):
    known = _path(f'youtube_highlights/youtube_highlight_{split}_release.jsonl.gz')
    source = _path('youtube_highlights/youtube_anno.json.gz')
    lines = convert_youtube(source, read_split(known)).lines
    for line, (_, other) in zip(lines, read_json_lines(known)):
        assert line == {key: other[key] for key in line}
