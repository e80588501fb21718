"""What a data set has and lacks: all findings at once, the tables, the picture."""

import json
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from mmvtg.datasets import GroundingDataset
from mmvtg.datasets.dataset_report import examine
from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.transforms import LoadStoredFeatures
from mmvtg.visualization import draw_histograms
from mmvtg.visualization.panels import BLUE, GREEN, ORANGE

ROOT = Path(__file__).parents[2]


def _examine(root, deep=False, **kwargs):
    settings = dict(
        ann_file='train.jsonl',
        data_root=str(root),
        data_prefix=dict(video='video', query='query'),
        fps=0.5,
        lazy_init=True,
    )
    settings.update(kwargs)
    return examine(GroundingDataset(**settings), deep)


def _kinds(report):
    return [(f.severity, f.kind) for f in report.findings]


def test_a_complete_data_set_has_no_findings(make_store, line):
    report = _examine(make_store([line(0), line(1), line(2, vid='v1')]))
    assert report.findings == [] and report.num_errors == 0
    assert report.durations == dict(v0=40, v1=40)
    video, query = report.streams
    assert (video.wanted, video.found, video.shape) == (2, 2, (4, 5, 24))
    assert (query.wanted, query.found, query.shape) == (3, 3, (4, 16))
    assert video.size > 2 * 20 * 4 * 5 * 24 * 2
    assert report.videos_found is None


def test_everything_that_is_wrong_is_found_at_once(make_store, line):
    root = make_store([line(i) for i in range(7)])
    (root / 'video/v1.npy').unlink()
    (root / 'video/v2.npy').write_bytes(b'rubbish')
    np.save(root / 'video/v3.npy', np.zeros((50, 4, 5, 24), np.float16))
    (root / 'query/4.npy').unlink()
    lines = (root / 'train.jsonl').read_text().splitlines()
    lines[5] = json.dumps(line(5, relevant_windows=[[30, 20]]))
    lines += ['{"qid": 9', json.dumps(line(0)), json.dumps(line(8, vid='../v'))]
    (root / 'train.jsonl').write_text('\n'.join(lines))
    report = _examine(root)
    found = {(f.kind, f.detail.split('train.jsonl:')[-1][:2]) for f in report.findings}
    assert found == {
        ('malformed annotation', '8:'),
        ('malformed annotation', '1;'),
        ('malformed annotation', '10'),
        ('missing feature file', '2)'),
        ('missing feature file', '5)'),
        ('damaged feature file', '3)'),
        ('feature length that disagrees with the duration', '4)'),
        ('bad window', '6:'),
    }
    assert report.num_errors == 8
    assert len(report.samples) == 7
    assert [stream.found for stream in report.streams] == [5, 6]


def test_what_a_run_gets_over_is_a_warning(make_store, line):
    root = make_store([line(0), line(1, relevant_windows=[[30, 20]])])
    for settings in (dict(bad_windows='clean'), dict(test_mode=True)):
        assert _kinds(_examine(root, **settings)) == [('warning', 'bad window')]
    short = _examine(root, bad_windows='drop', min_duration=50)
    assert ('warning', 'video shorter than 50 s') in _kinds(short)
    assert short.num_errors == 0
    none = dict(relevant_windows=None, relevant_clip_ids=None, saliency_scores=None)
    root = make_store([line(0), line(1, duration=1, **none)])
    kind = 'video shorter than one clip'
    assert ('warning', kind) in _kinds(_examine(root, data_prefix={}))
    assert ('error', kind) in _kinds(_examine(root, data_prefix={}, test_mode=True))


def test_a_file_that_many_queries_need_is_one_finding(make_store, line):
    root = make_store([line(i, vid='v') for i in range(5)])
    (root / 'video/v.npy').unlink()
    (finding,) = _examine(root).findings
    assert finding.detail.endswith('train.jsonl:1)')


def test_deep_reading_finds_nan(make_store, line):
    root = make_store([line(0), line(1)])
    np.save(root / 'video/v1.npy', np.full((20, 4, 5, 24), np.nan, np.float16))
    assert _examine(root).num_errors == 0
    (finding,) = _examine(root, deep=True).findings
    assert 'v1.npy holds NaN' in finding.detail


@pytest.mark.parametrize('dtype', ['>f4', 'c8', 'bool', 'U3'])
def test_checker_and_reader_take_the_same_files(make_store, line, dtype):
    """A file without a finding can be trained on, and the others cannot."""
    root = make_store([line(0)])
    np.save(root / 'video/v0.npy', np.ones((20, 4, 5, 24)).astype(dtype))
    report = _examine(root)
    transform = LoadStoredFeatures()
    (sample,) = report.samples
    if report.num_errors:
        with pytest.raises(BadSampleError):
            transform(sample)
    else:
        assert transform(sample)['video_features'].shape == (20, 4, 5, 24)
    assert (report.num_errors == 0) == (dtype == '>f4')


def test_deep_reading_finds_rows_of_zeros(make_store, line):
    root = make_store([line(0)])
    array = np.load(root / 'video/v0.npy')
    array[3:5] = 0
    np.save(root / 'video/v0.npy', array)
    assert not _examine(root).findings
    (finding,) = _examine(root, deep=True).findings
    assert finding.severity == 'warning'
    assert 'v0.npy: 2 of 20 rows are all zero' in finding.detail


def test_a_json_list_is_one_finding(make_store, line):
    root = make_store([line(0)])
    lines = json.dumps([line(0), line(1)], indent=1)
    (root / 'train.jsonl').write_text(lines)
    assert len(lines.splitlines()) > 50
    (finding,) = _examine(root).findings
    assert finding.kind == 'unreadable annotation file'
    assert 'write each object on a line of its own' in finding.detail


def test_stores_videos_domains_and_absent_files(make_store, line):
    root = make_store([line(0, domain='dog')])
    (root / 'video/manifest.json').write_text('{"fps": 1.0}')
    (root / 'raw').mkdir()
    prefix = dict(video='video', query='query', raw='raw')
    report = _examine(root, data_prefix=prefix)
    assert _kinds(report) == [('error', 'store of other features')]
    assert report.videos_found == 0
    (finding,) = _examine(root, domain='cat', data_prefix={}).findings
    assert "of domain 'cat'; it has ['dog']" in finding.detail
    report = _examine(root, ann_file='absent.jsonl')
    assert ('error', 'missing annotation file') in _kinds(report)


def _has(path, color):
    image = (matplotlib.image.imread(path)[..., :3] * 255).astype(int)
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return bool((np.abs(image - wanted).max(axis=-1) < 3).any())


def test_the_picture_shows_what_there_is(make_store, line, tmp_path):
    root = make_store([line(0), line(1, relevant_windows=[[0, 3.5], [5, 6]])])
    draw_histograms(_examine(root), str(tmp_path / 'a.png'))
    assert all(_has(tmp_path / 'a.png', color) for color in (BLUE, GREEN, ORANGE))
    plain = dict(relevant_windows=None, relevant_clip_ids=None, saliency_scores=None)
    root = make_store([line(0, **plain)])
    draw_histograms(_examine(root), str(tmp_path / 'b.png'))
    assert _has(tmp_path / 'b.png', BLUE) and not _has(tmp_path / 'b.png', GREEN)


def _tool(*arguments):
    command = [sys.executable, str(ROOT / 'tools/check_dataset.py'), *arguments]
    return subprocess.run(map(str, command), capture_output=True, text=True)


def test_the_tool_reads_files_and_tells_errors_by_its_exit_code(make_store, line):
    root = make_store([line(0), line(1)])
    features = [f'video={root}/video/{{video_id}}.npy']
    features += [f'query={root}/query/{{query_id}}.npy']
    arguments = [root / 'train.jsonl', '--features', *features, '--pictures', root]
    done = _tool(*arguments)
    assert done.returncode == 0, done.stderr
    assert '0 errors, 0 warnings' in done.stdout and '2 of 2' in done.stdout
    assert (root / 'train.png').is_file()
    (root / 'query/1.npy').unlink()
    done = _tool(*arguments)
    assert done.returncode == 1
    assert '1 x missing feature file' in done.stdout
    assert 'query/1.npy (needed by ' in done.stdout


def test_the_tool_reads_configs(tmp_path):
    config = ROOT / 'configs/_base_/datasets/qvhighlights_clip_slowfast.py'
    option = 'train_dataloader.dataset.data_root='
    done = _tool(config, '--split', 'train', '--cfg-options', f'{option}{tmp_path}')
    assert done.returncode == 1
    assert 'highlight_train_release.jsonl does not exist' in done.stdout


@pytest.mark.parametrize('item', ['video', 'video=folder', '=a/b.npy'])
def test_the_tool_explains_its_arguments(tmp_path, item):
    (tmp_path / 'a.jsonl').write_text('')
    done = _tool(tmp_path / 'a.jsonl', '--features', item)
    assert done.returncode == 1 and 'want NAME=FOLDER/PATTERN' in done.stderr
