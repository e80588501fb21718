"""One command stores all streams that a config reads, each item once."""

import importlib.util
import json
import pathlib
import sys

import numpy as np
import pytest
import torch

import mmvtg
from mmvtg.datasets.feature_pack import FeaturePack
from mmvtg.models.towers import FrameTower
from mmvtg.registry import MODELS

av = pytest.importorskip('av')
TOOL = pathlib.Path(mmvtg.__file__).parents[1] / 'tools' / 'extract_features.py'

CONFIG = """
default_scope = 'mmvtg'
tap = dict(type='LayerTap', num_layers=2)
clip = dict(model='tiny-clip', pretrained={weights!r}, hooks=[tap])
encoding = dict(
    streams=dict(
        video=dict(tower=dict(type='CLIPVisionTower', **clip), frame_size=64)
    ),
    query=dict(tower=dict(type='CLIPTextTower', **clip)),
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

    run.module = module
    return run


def test_an_accelerator_is_taken_if_there_is_one(tool, monkeypatch):
    module = tool.module
    for present, given, device in (
        (True, [], 'cuda'),
        (False, [], 'cpu'),
        (True, ['--device', 'cpu'], 'cpu'),
    ):
        monkeypatch.setattr(torch.cuda, 'is_available', lambda present=present: present)
        monkeypatch.setattr(sys, 'argv', ['extract_features', 'c.py', *given])
        assert module.common_settings(module.parse_args())['device'] == device


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
    with pytest.raises(SystemExit, match='1.npy is the file of two queries'):
        tool(project / 'config.py')


def test_two_videos_of_one_file(tool, project):
    other = f'val_dataloader.dataset.data_prefix.raw={project / "moved"}'
    with pytest.raises(SystemExit, match='v2.npy is the file of two videos, .*moved'):
        tool(project / 'config.py', '--cfg-options', other)


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
    weights = 'encoding.streams.video.tower.pretrained=shipped'
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


MOTION = """
_base_ = './config.py'
size = dict(width=128, num_layers=6)
prompt = dict(type='ActionPrompt', motion_dim=192, text_width=96, **size)
encoding = dict(
    streams=dict(
        video=dict(
            tower=dict(hooks=[prompt]),
            sampling='middle',
            row_shape=(96,),
            motion='flow',
        ),
        flow=dict(
            tower=dict(type='PixelTower'),
            frame_size=8,
            row_shape=(192,),
            auxiliary=True,
        ),
        audio=dict(why_no_tower='store them'),
    )
)
"""


@pytest.fixture
def motion_project(project):
    """Write a config whose tower reads the pixels of another stream as motion."""
    (project / 'motion.py').write_text(MOTION)
    return project


@MODELS.register_module()
class PixelTower(FrameTower):
    """Frames of 8 x 8 pixels as vectors (N, 192)."""

    def encode_runs(self, frames, runs, *inputs):
        return frames.flatten(1) / 255, [], {}


def test_motion_is_stored_before_the_tower_that_reads_it(tool, motion_project, capsys):
    folder, out = motion_project, motion_project / 'stores'
    arguments = ('--videos', folder / 'videos', '--num-workers', 0, '--fps', 1)
    torch.manual_seed(0)  # of the hooks, which have no checkpoint
    assert tool(folder / 'motion.py', *arguments, '--out', out) == 0
    flow, video = pack_of(out / 'flow'), pack_of(out / 'video')
    assert flow['v1'].shape == (2, 192) and video['v1'].shape == (2, 96)
    assert video.manifest['motion'] == {
        key: flow.manifest[key] for key in ('model', 'weights_sha256', 'fps')
    }
    assert video.manifest['sampling'] == 'middle'
    reports = json.loads((out / 'report-main.json').read_text())
    assert [one['store'] for one in reports] == [str(out / 'flow'), str(out / 'video')]
    # one stream alone goes into the store itself, and needs its motion by name
    only = (*arguments, '--streams', 'video', '--out', folder / 'alone')
    with pytest.raises(SystemExit, match='add flow to --streams, or .*flow.store'):
        tool(folder / 'motion.py', *only)
    store = f'encoding.streams.flow.store={out / "flow"}'
    torch.manual_seed(0)
    assert tool(folder / 'motion.py', *only, '--cfg-options', store) == 0
    assert torch.equal(pack_of(folder / 'alone')['v2'], video['v2'])


def test_streams_of_data_sets(tool, motion_project, capsys):
    folder = motion_project
    with pytest.raises(SystemExit, match='no stream .flw.; .* has video, flow, audio'):
        tool(folder / 'motion.py', '--streams', 'flw')
    with pytest.raises(SystemExit, match='stream audio: store them'):
        tool(folder / 'motion.py', '--streams', 'audio')
    loaders = [
        f'{split}_dataloader.dataset.{inner}data_prefix.{name}=features/{name}'
        for split, inner in (('train', 'dataset.'), ('val', ''), ('test', ''))
        for name in ('flow', 'audio')
    ]
    arguments = ('--num-workers', 0, '--skip-bad', '--cfg-options', *loaders)
    assert tool(folder / 'motion.py', *arguments) == 0
    features = folder / 'features'
    assert names(features / 'flow') == names(features / 'vid') == ['v1.npy', 'v2.npy']
    assert np.load(features / 'vid' / 'v1.npy').shape == (2, 96)
    assert names(features / 'txt') == [f'{q}.npy' for q in (1, 2, 3, 4)]


def test_each_data_set_has_motion_of_its_own(tool, motion_project):
    """The motion of the last data set must not be that of all."""
    folder = motion_project
    options = [
        f'{split}_dataloader.dataset.{inner}data_prefix.{name}={root}/{name}'
        for split, inner, root in (
            ('train', 'dataset.', 'one'),
            ('val', '', 'two'),
            ('test', '', 'two'),
        )
        for name in ('video', 'flow')
    ]
    options.append('encoding.streams.audio=None')
    arguments = ('--num-workers', 0, '--skip-bad', '--cfg-options', *options)
    assert tool(folder / 'motion.py', *arguments) == 0
    assert names(folder / 'one' / 'video') == ['v1.npy', 'v2.npy']
    assert names(folder / 'two' / 'video') == ['v2.npy']


def test_published_files_are_left_alone(tool, project, capsys):
    published = project / 'features' / 'vid'
    published.mkdir(parents=True)
    files = [
        f'{split}_dataloader.dataset.{inner}file_names.video={{video_id}}.npz'
        for split, inner in (('train', 'dataset.'), ('val', ''), ('test', ''))
    ]
    arguments = ('--num-workers', 0, '--cfg-options', *files)
    for name in ('v1', 'v2'):
        np.savez(published / f'{name}.npz', features=np.zeros((2, 2, 65, 128)))
    with pytest.raises(SystemExit, match='2 of 3 feature files and no manifest'):
        tool(project / 'config.py', *arguments)
    np.savez(published / 'v3.npz', features=np.zeros((2, 2, 65, 128)))
    assert tool(project / 'config.py', *arguments) == 0
    assert not (published / 'manifest.json').exists()
    assert names(project / 'features' / 'txt') == [f'{q}.npy' for q in (1, 2, 3, 4)]


def test_a_data_set_of_npz_files_gets_a_pack(tool, project):
    files = [
        f'{split}_dataloader.dataset.{inner}file_names.video={{video_id}}.npz'
        for split, inner in (('train', 'dataset.'), ('val', ''), ('test', ''))
    ]
    arguments = ('--num-workers', 0, '--skip-bad', '--only', 'video')
    with pytest.raises(SystemExit, match='reads v1.npz .* --layout npy writes'):
        tool(
            project / 'config.py',
            *arguments,
            '--layout',
            'npy',
            '--cfg-options',
            *files,
        )
    assert tool(project / 'config.py', *arguments, '--cfg-options', *files) == 0
    assert pack_of(project / 'features' / 'vid').ids() == ['v1', 'v2']


def test_the_rate_of_a_data_set_is_not_overridden(tool, project):
    with pytest.raises(SystemExit, match='--fps 2: the data set .* has fps = 1.0'):
        tool(project / 'config.py', '--fps', 2)
    with pytest.raises(SystemExit, match='fps = None: give --fps'):
        tool(project / 'config.py', '--videos', project / 'videos', '--out', 'x')


def test_a_folder_of_images_has_a_rate_of_its_own(tool, project):
    from PIL import Image

    folder = project / 'images' / 'walk'
    folder.mkdir(parents=True)
    for index in range(8):
        Image.new('RGB', (64, 64), (index * 30, 0, 0)).save(folder / f'{index}.png')
    arguments = ('--videos', project / 'images', '--num-workers', 0, '--fps', 1)
    rated = ('--image-fps', 4, '--out', project / 'rated')
    assert tool(project / 'config.py', *arguments, *rated) == 0
    assert pack_of(project / 'rated')['walk'].shape[0] == 2
    assert tool(project / 'config.py', *arguments, '--out', project / 'plain') == 0
    assert pack_of(project / 'plain')['walk'].shape[0] == 8


def test_a_config_without_towers(tool, project):
    (project / 'empty.py').write_text("encoding = None\ndefault_scope = 'mmvtg'\n")
    with pytest.raises(SystemExit, match='no block `encoding`'):
        tool(project / 'empty.py')
