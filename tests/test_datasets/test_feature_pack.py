"""A pack holds what was written, whatever happens while it is written."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import mmvtg
from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.feature_pack import FeaturePack
from mmvtg.datasets.feature_store import (
    QUERY_AXES,
    check_file,
    check_manifest,
    load_array,
)
from mmvtg.datasets.pack_lookup import find_packed
from mmvtg.datasets.pack_writer import PackWriter, StoreBusyError

MANIFEST = dict(
    kind='video', model='a', fps=0.5, row_shape=[2, 3], dtype='float16', layers=[1]
)


def item(rows, seed=0):
    torch.manual_seed(seed)
    return torch.randn(rows, 2, 3).half()


def fill(folder, names, **kwargs):
    with PackWriter(str(folder), kwargs.pop('manifest', MANIFEST), **kwargs) as pack:
        for name in names:
            if name not in pack:
                pack.write(name, item(3 + len(name), len(name)))


def check(folder, names):
    pack = FeaturePack(str(folder))
    assert sorted(pack.ids()) == sorted(names)
    assert list(pack.damaged()) == []
    for name in names:
        assert torch.equal(pack[name], item(3 + len(name), len(name)))


def test_round_trip(tmp_path):
    names = ['v', 'sub/dir', 'höhe_ü', '../../x', 'with space.mp4']
    fill(tmp_path, names)
    check(tmp_path, names)
    pack = FeaturePack(str(tmp_path), preload='ram')
    assert torch.equal(pack['v'], item(4, 1)) and pack.length('v') == 4
    assert 'w' not in pack and len(pack) == 5
    assert sorted(os.listdir(tmp_path)) == ['main.index', 'main.rows', 'manifest.json']


@pytest.mark.parametrize('dtype', ['bfloat16', 'float32'])
def test_other_types(tmp_path, dtype):
    rows = item(4).to(getattr(torch, dtype))
    with PackWriter(str(tmp_path), dict(MANIFEST, dtype=dtype)) as pack:
        pack.write('v', rows)
        with pytest.raises(BadSampleError, match=r'torch.float16, and .* torch'):
            pack.write('w', item(4))
    assert torch.equal(FeaturePack(str(tmp_path))['v'], rows)
    array = load_array(str(tmp_path / 'v.npy'), 'v', QUERY_AXES)
    assert array.dtype == np.float32 and (array == rows.float().numpy()).all()


def test_what_is_not_finite_is_not_stored(tmp_path):
    rows = item(4)
    rows[2, 0, 0] = float('inf')
    with (
        PackWriter(str(tmp_path), MANIFEST) as pack,
        pytest.raises(BadSampleError, match='features of v are not finite'),
    ):
        pack.write('v', rows)
    check(tmp_path, [])


def test_data_sets_read_a_pack_like_a_folder(tmp_path):
    fill(tmp_path / 'p', ['v1', 'a/b'], manifest=dict(MANIFEST, fps=1.0))
    array = load_array(str(tmp_path / 'p' / 'v1.npy'), 'v1', QUERY_AXES)
    assert (array == item(5, 2).numpy()).all()
    assert find_packed(str(tmp_path / 'p' / 'a' / 'b.npy')).name == 'a/b'
    assert check_file(str(tmp_path / 'p' / 'v1.npy'), QUERY_AXES)[1] == 5
    assert (
        check_file(str(tmp_path / 'p' / 'v2.npy'), QUERY_AXES)[0]
        == 'missing feature file'
    )
    with pytest.raises(BadSampleError, match='made at 1.0 .*\n?.*asks for 0.5'):
        check_manifest(str(tmp_path / 'p'), 0.5)
    fill(tmp_path / 'p', ['v2'], manifest=dict(MANIFEST, fps=1.0))  # after it was read
    assert len(load_array(str(tmp_path / 'p' / 'v2.npy'), 'v2', QUERY_AXES)) == 5


def test_another_model_is_refused_with_both_values(tmp_path):
    fill(tmp_path, ['v'])
    with pytest.raises(ValueError, match="model: there 'a', now 'b'"):
        PackWriter(str(tmp_path), dict(MANIFEST, model='b'))
    with pytest.raises(ValueError, match=r'row_shape: there \[2, 3\], now \[2, 4\]'):
        PackWriter(str(tmp_path), dict(MANIFEST, row_shape=[2, 4]))
    check(tmp_path, ['v'])


def test_no_pack_and_later_versions(tmp_path):
    with pytest.raises(BadSampleError, match='is no feature pack'):
        FeaturePack(str(tmp_path))
    fill(tmp_path, ['v'])
    path = tmp_path / 'manifest.json'
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(dict(manifest, format_version=9)))
    with pytest.raises(BadSampleError, match='version 9, and this mmvtg reads 1'):
        FeaturePack(str(tmp_path))


def test_a_second_writer_of_a_part_is_refused_and_of_another_is_not(tmp_path):
    with PackWriter(str(tmp_path), MANIFEST) as one:
        with pytest.raises(StoreBusyError, match=f'pid {os.getpid()} on .*--shard'):
            PackWriter(str(tmp_path), MANIFEST)
        with PackWriter(str(tmp_path), MANIFEST, part='other') as two:
            two.write('b', item(4, 1))
            one.write('a', item(4, 1))
    check(tmp_path, ['a', 'b'])


@pytest.mark.parametrize('cut', [1, 30])
def test_what_a_kill_cut_off_is_made_again(tmp_path, cut):
    fill(tmp_path, ['a', 'bb', 'ccc'])
    index, rows = tmp_path / 'main.index', tmp_path / 'main.rows'
    index.write_bytes(index.read_bytes()[:-cut])  # in the middle of the last line
    rows.write_bytes(rows.read_bytes() + b'half an item')
    check(tmp_path, ['a', 'bb'])  # readers see whole items only
    fill(tmp_path, ['a', 'bb', 'ccc'])
    check(tmp_path, ['a', 'bb', 'ccc'])
    assert len(index.read_bytes().splitlines()) == 3


def test_rows_that_were_cut_off_are_noticed(tmp_path):
    fill(tmp_path, ['a', 'bb'])
    rows = tmp_path / 'main.rows'
    rows.write_bytes(rows.read_bytes()[:-1])
    check(tmp_path, ['a'])
    with pytest.raises(ValueError, match='the file was cut off. Delete main.rows'):
        PackWriter(str(tmp_path), MANIFEST)


def test_damaged_rows_are_found(tmp_path):
    fill(tmp_path, [f'v{i:04d}' for i in range(200)])
    path = tmp_path / 'main.rows'
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    size = 8 * 6 * 2  # rows of six numbers of two bytes
    assert list(FeaturePack(str(tmp_path)).damaged()) == [f'v{5000 // size:04d}']


WRITER = """
import os, sys, torch
from mmvtg.datasets.pack_writer import PackWriter
manifest = {manifest!r}
with PackWriter(sys.argv[1], manifest, flush_seconds=0.0) as pack:
    for i in range(100000):
        pack.write(f'v{{i}}', torch.full((50, 2, 3), float(i % 1000)).half())
        print(i, flush=True)
"""


def start_writer(folder, limit=None):
    def restrict():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    root = str(Path(mmvtg.__file__).parents[1])
    paths = [root, os.environ.get('PYTHONPATH', '')]
    return subprocess.Popen(
        [sys.executable, '-c', WRITER.format(manifest=MANIFEST), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(paths)),
        preexec_fn=restrict if limit else None,
    )


def test_kill_in_the_middle(tmp_path):
    writer = start_writer(tmp_path)
    for _ in range(25):
        last = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    pack = FeaturePack(str(tmp_path))
    assert len(pack) >= last and list(pack.damaged()) == []
    for name in pack.ids():
        assert (pack[name] == float(int(name[1:]) % 1000)).all()
    with PackWriter(str(tmp_path), MANIFEST) as again:  # the lock died with it
        assert all(name in again for name in pack.ids())
        again.write('more', item(4, 1))
    assert list(FeaturePack(str(tmp_path)).damaged()) == []


def test_a_file_that_may_not_grow(tmp_path):
    """A real write error (EFBIG) in the middle of an item."""
    size = 50 * 6 * 2
    writer = start_writer(tmp_path, limit=10 * size + 100)
    _, said = writer.communicate(timeout=120)
    assert writer.returncode == 1 and 'v10 could not be written' in said
    pack = FeaturePack(str(tmp_path))
    assert len(pack) == 10 and list(pack.damaged()) == []
    assert os.path.getsize(tmp_path / 'main.rows') == 10 * size


@pytest.mark.parametrize('half', [True, False])
def test_full_disk(tmp_path, monkeypatch, half):
    """The write of rows, or of the index, fails half-way with ENOSPC."""
    fill(tmp_path, ['a', 'bb'])
    whole = {
        name: (tmp_path / name).read_bytes() for name in ('main.rows', 'main.index')
    }
    from mmvtg.datasets import pack_writer

    def write(descriptor, data):
        os.write(descriptor, bytes(data)[: len(data) // 2])
        raise OSError(errno.ENOSPC, 'No space left on device')

    pack = PackWriter(str(tmp_path), MANIFEST, flush_seconds=1e9)
    if half:
        monkeypatch.setattr(pack_writer, '_write_all', write)
        with pytest.raises(OSError, match='ccc could not be written .No space left'):
            pack.write('ccc', item(6, 3))
        pack.close()
        assert (tmp_path / 'main.rows').read_bytes() == whole['main.rows']
    else:
        pack.write('ccc', item(6, 3))
        monkeypatch.setattr(pack_writer, '_write_all', write)
        with pytest.raises(OSError, match='the index could not be written'):
            pack.close()
    assert (tmp_path / 'main.index').read_bytes() == whole['main.index']
    check(tmp_path, ['a', 'bb'])
    monkeypatch.undo()
    fill(tmp_path, ['a', 'bb', 'ccc'])
    check(tmp_path, ['a', 'bb', 'ccc'])


def test_rows_are_safe_on_the_disk_before_the_index_names_them(tmp_path, monkeypatch):
    """A power failure between two writes must not leave an index without rows."""
    from mmvtg.datasets import pack_writer

    done, sync, write = [], os.fsync, pack_writer._write_all

    def name(descriptor):
        return os.path.basename(os.readlink(f'/proc/self/fd/{descriptor}'))

    def record(kind, call):
        def wrapped(descriptor, *args):
            done.append((kind, name(descriptor)))
            call(descriptor, *args)

        return wrapped

    with PackWriter(str(tmp_path), MANIFEST, flush_seconds=1e9) as pack:
        monkeypatch.setattr(os, 'fsync', record('sync', sync))
        monkeypatch.setattr(pack_writer, '_write_all', record('write', write))
        for size, letter in enumerate('ab', 1):
            pack.write(letter, item(4, size))
    assert done == [
        *[('write', 'main.rows'), ('write', 'main.rows'), ('sync', 'main.rows')],
        *[('write', 'main.index'), ('sync', 'main.index')],
    ]


def test_rows_that_cannot_be_made_safe_are_not_named(tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.EIO, 'Input/output error')

    pack = PackWriter(str(tmp_path), MANIFEST, flush_seconds=1e9)
    pack.write('a', item(4, 1))
    with monkeypatch.context() as patch:
        patch.setattr(os, 'fsync', fail)
        with pytest.raises(OSError, match='could not be written .Input/output error'):
            pack.flush()
    assert (tmp_path / 'main.index').read_bytes() == b''
    pack.close()


def test_two_processes_claim_one_folder(tmp_path):
    """Both write their own part, or one is refused; nothing is lost."""
    writers = [start_writer(tmp_path) for _ in range(2)]
    ended, began = None, time.time()
    while ended is None and time.time() - began < 120:
        ended = next((w for w in writers if w.poll() is not None), None)
        time.sleep(0.05)
    other = writers[1 - writers.index(ended)]
    while int(other.stdout.readline()) < 5:
        pass
    other.kill()
    other.wait()
    assert 'is being written by another process' in ended.stderr.read()
    assert list(FeaturePack(str(tmp_path)).damaged()) == []
