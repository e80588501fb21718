"""The command line finds the data sets of a config and serves each thing once."""

import importlib.util
import json
import pathlib
import sys

import numpy as np
import pytest
import torch

import mmvtg
from mmvtg.datasets.feature_pack import FeaturePack

av = pytest.importorskip('av')
TOOL = pathlib.Path(mmvtg.__file__).parents[1] / 'tools' / 'extract_features.py'

CONFIG = """
default_scope = 'mmvtg'
tap = dict(type='LayerTap', num_layers=2)
feature_extractor = dict(
    frame_size=64,
    vision_tower=dict(
        type='CLIPVisionTower', model='tiny-clip', pretrained={weights!r}, hooks=[tap]
    ),
    text_tower=dict(
        type='CLIPTextTower', model='tiny-clip', pretrained={weights!r}, hooks=[tap]
    ),
)
dataset = dict(
    type='GroundingDataset',
    data_root={root!r},
    data_prefix=dict(video='features/vid', query='features/txt', raw='videos'),
    fps=1.0,
    pipeline=[],
)
train_dataloader = dict(
    dataset=dict(
        type='RepeatDataset', times=2, dataset=dict(dataset, ann_file='a.jsonl')
    )
)
val_dataloader = dict(dataset=dict(dataset, ann_file='b.jsonl', test_mode=True))
test_dataloader = val_dataloader
extra_ann_files = ['c.jsonl']
"""


@pytest.fixture
def tool(monkeypatch):
    spec = importlib.util.spec_from_file_location('extract_features', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', ['extract_features', *map(str, arguments)])
        return module.main()

    return run


@pytest.fixture
def project(tmp_path):
    from safetensors.torch import save_file

    from mmvtg.models.towers import build_clip

    torch.manual_seed(0)
    weights = str(tmp_path / 'clip.safetensors')
    save_file(build_clip('tiny-clip').state_dict(), weights)
    (tmp_path / 'videos').mkdir()
    for name, lines in (
        ('a', [(1, 'v1'), (2, 'v2')]),
        ('b', [(3, 'v2')]),
        ('c', [(4, 'v3')]),
    ):
        rows = [
            dict(
                qid=q, vid=v, query=f'query {q}', duration=2, relevant_windows=[[0, 1]]
            )
            for q, v in lines
        ]
        (tmp_path / f'{name}.jsonl').write_text('\n'.join(map(json.dumps, rows)))
    for name in ('v1', 'v2'):  # v3 is missing
        with av.open(str(tmp_path / 'videos' / f'{name}.mp4'), 'w') as container:
            stream = container.add_stream('libx264', rate=5)
            stream.width, stream.height, stream.pix_fmt = 96, 64, 'yuv420p'
            image = np.zeros((64, 96, 3), np.uint8)
            for _ in range(10):
                frame = av.VideoFrame.from_ndarray(image, format='rgb24')
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    config = tmp_path / 'config.py'
    config.write_text(CONFIG.format(root=str(tmp_path), weights=weights))
    return tmp_path


def names(folder):
    return sorted(path.name for path in folder.glob('*.npy'))


def test_all_splits(tool, project, capsys):
    assert tool(project / 'config.py') == 1
    assert names(project / 'features' / 'vid') == ['v1.npy', 'v2.npy']
    assert names(project / 'features' / 'txt') == [f'{q}.npy' for q in (1, 2, 3, 4)]
    said = capsys.readouterr()
    assert 'bad: v3' in said.err and '2 written, 0 present' in said.out
    assert tool(project / 'config.py', '--skip-bad') == 0
    assert '0 written, 2 present' in capsys.readouterr().out


def test_one_split_elsewhere(tool, project, tmp_path):
    out = tmp_path / 'out'
    assert tool(project / 'config.py', '--split', 'val', '--out', out) == 0
    assert names(out / 'vid') == ['v2.npy'] and names(out / 'txt') == ['3.npy']
    assert not (project / 'features').exists()


def test_one_kind_from_another_folder(tool, project):
    (project / 'videos').rename(project / 'moved')
    arguments = (
        '--only',
        'video',
        '--video-dir',
        project / 'moved',
        '--split',
        'train',
    )
    assert tool(project / 'config.py', *arguments) == 0
    assert names(project / 'features' / 'vid') == ['v1.npy', 'v2.npy']
    assert not (project / 'features' / 'txt').exists()


def test_two_queries_of_one_name(tool, project):
    row = dict(qid=1, vid='v2', query='another', duration=2, relevant_windows=[[0, 1]])
    (project / 'b.jsonl').write_text(json.dumps(row))
    with pytest.raises(SystemExit, match='1 names two queries'):
        tool(project / 'config.py')


def pack_of(folder):
    pack = FeaturePack(str(folder))
    assert list(pack.damaged()) == []
    return pack


def test_a_folder_of_videos_becomes_a_pack(tool, project, capsys):
    (project / 'videos' / 'broken.mp4').write_bytes(b'no video')
    arguments = ('--videos', project / 'videos', '--num-workers', 0)
    out = project / 'pack'
    assert tool(project / 'config.py', *arguments, '--out', out, '--fps', 1) == 1
    assert 'bad: broken' in capsys.readouterr().err
    pack = pack_of(out)
    assert pack.ids() == ['v1', 'v2'] and pack['v1'].shape == (2, 2, 65, 128)
    assert pack.manifest['model'] == 'tiny-clip' and pack.manifest['fps'] == 1
    (report,) = json.loads((out / 'report-main.json').read_text())
    assert report['written'] == 2 and 'broken' in report['failed']
    # the same features as those of the data sets
    assert tool(project / 'config.py', '--num-workers', 0, '--skip-bad') == 0
    stored = np.load(project / 'features' / 'vid' / 'v2.npy')
    assert (pack['v2'].numpy() == stored).all()


def test_a_pack_of_another_rate_or_model_is_refused(tool, project):
    arguments = ('--videos', project / 'videos', '--num-workers', 0)
    out = ('--out', project / 'pack')
    assert tool(project / 'config.py', *arguments, *out, '--fps', 1) == 0
    with pytest.raises(SystemExit, match='fps: there 1.0, now 2.0'):
        tool(project / 'config.py', *arguments, *out, '--fps', 2)
    weights = 'feature_extractor.vision_tower.pretrained=shipped'
    with pytest.raises(SystemExit, match='weights_sha256: there .*, now '):
        tool(
            project / 'config.py',
            *arguments,
            *out,
            '--fps',
            1,
            '--cfg-options',
            weights,
        )


def test_shards_fill_one_pack(tool, project):
    arguments = ('--videos', project / 'videos', '--num-workers', 0, '--fps', 1)
    for shard in ('0/2', '1/2'):
        out = ('--out', project / 'pack', '--shard', shard)
        assert tool(project / 'config.py', *arguments, *out) == 0
    assert sorted(pack_of(project / 'pack').ids()) == ['v1', 'v2']
    names = sorted(path.name for path in (project / 'pack').glob('*.rows'))
    assert names == ['shard-0000-of-0002.rows', 'shard-0001-of-0002.rows']


def test_queries_in_another_type(tool, project):
    out = project / 'texts'
    arguments = ('--queries', project / 'a.jsonl', '--dtype', 'bfloat16')
    assert tool(project / 'config.py', *arguments, '--out', out) == 0
    pack = pack_of(out)
    assert pack.ids() == ['1', '2'] and pack['1'].dtype == torch.bfloat16
    assert pack['1'].shape[1:] == (2, 96)


def test_a_full_disk_ends_the_run_with_a_remedy(tool, project, monkeypatch):
    def full(descriptor, data):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('mmvtg.datasets.pack_writer._write_all', full)
    arguments = ('--videos', project / 'videos', '--num-workers', 0, '--fps', 1)
    with pytest.raises(SystemExit, match='v1 could not be written .*Make room'):
        tool(project / 'config.py', *arguments, '--out', project / 'pack')
    monkeypatch.undo()
    assert tool(project / 'config.py', *arguments, '--out', project / 'pack') == 0
    assert pack_of(project / 'pack').ids() == ['v1', 'v2']
