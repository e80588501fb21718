"""Files of the MovingShapes generator."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mmvtg.datasets.moving_shapes import (
    frame_times,
    generate,
    render_frames,
    scene_of,
    writer,
)

COUNTS = dict(train=3, val=1, test=1, novel_composition=1, novel_word=1)


def make(root, **kwargs):
    settings = dict(size='tiny', num_workers=0, progress=False, counts=COUNTS)
    return generate(root, **{**settings, **kwargs})


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('moving_shapes')
    make(root)
    return root


def digest(root):
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path(root).rglob('*'))
        if path.is_file()
    }


def test_same_files_whatever_the_workers(root, tmp_path):
    make(tmp_path / 'again', num_workers=2)
    assert digest(tmp_path / 'again') == digest(root)


def test_other_seed_gives_other_files(root, tmp_path):
    make(tmp_path, seed=1, trimmed_clips=False)
    name = 'qvhighlights/train.jsonl'
    assert (tmp_path / name).read_text() != (root / name).read_text()


def test_interrupted_run_leaves_only_whole_files_and_resumes(
    root, tmp_path, monkeypatch
):
    """Stop inside the encoding of the third video."""
    # The package's name ``generate`` is the function, not the module.
    module = sys.modules['mmvtg.datasets.moving_shapes.generate']
    calls, finished, write = [], [], writer.write_video

    def failing(path, frames):
        if 'clips' in str(path):
            return write(path, frames)
        calls.append(path)
        if len(calls) == 3:
            return write(path, Broken(frames))
        finished.append(path)
        return write(path, frames)

    monkeypatch.setattr(module, 'write_video', failing)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path)
    assert sorted((tmp_path / 'videos').iterdir()) == sorted(finished)
    assert not (tmp_path / 'manifest.json').exists()
    times = {path: path.stat().st_mtime_ns for path in finished}
    # What a killed process would have left.
    (tmp_path / 'videos/.train_00002.1.part.mp4').write_bytes(b'half')
    monkeypatch.undo()
    make(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in finished} == times
    assert digest(tmp_path) == digest(root)


class Broken:
    """Frames whose source is interrupted halfway."""

    def __init__(self, frames):
        self.frames, self.shape = frames, frames.shape

    def __iter__(self):
        yield from self.frames[:50]
        raise KeyboardInterrupt


def test_empty_video_is_made_again(root, tmp_path):
    make(tmp_path)
    (tmp_path / 'videos/val_00000.mp4').write_bytes(b'')
    make(tmp_path)
    assert digest(tmp_path) == digest(root)


@pytest.mark.parametrize(
    'change', [dict(seed=1), dict(size='demo'), dict(counts=dict(train=4))]
)
def test_other_data_set_in_the_same_place_is_refused(root, change):
    before = digest(root)
    with pytest.raises(ValueError, match='Choose another folder') as error:
        make(root, **change)
    assert next(iter(change)) in str(error.value) or 'videos' in str(error.value)
    assert digest(root) == before


def test_other_version_and_unknown_origin_are_refused(tmp_path, root):
    (tmp_path / 'a').mkdir()
    recipe = json.loads((root / 'recipe.json').read_text())
    recipe['generator_version'] = '0.1'
    (tmp_path / 'a/recipe.json').write_text(json.dumps(recipe))
    with pytest.raises(ValueError, match='0.1'):
        make(tmp_path / 'a')
    (tmp_path / 'b/videos').mkdir(parents=True)
    (tmp_path / 'b/videos/holiday.mp4').write_bytes(b'1')
    with pytest.raises(ValueError, match='recipe.json is missing'):
        make(tmp_path / 'b')


def test_unknown_names_are_refused(tmp_path):
    with pytest.raises(ValueError, match='tiny, demo, full'):
        make(tmp_path, size='huge')
    with pytest.raises(ValueError, match='trian'):
        make(tmp_path, counts=dict(trian=3))


def test_video_decodes_to_the_right_frames_at_the_right_times(root):
    decord = pytest.importorskip('decord')
    scene, _ = scene_of(0, 'train', 1, (24, 32))
    reader = decord.VideoReader(str(root / 'videos/train_00001.mp4'))
    assert len(reader) == scene.duration * 8
    assert reader.get_avg_fps() == pytest.approx(8)
    stamps = reader.get_frame_timestamp(np.arange(len(reader)))
    np.testing.assert_allclose(stamps.mean(1), frame_times(scene.duration), atol=1e-3)
    picked = [0, 77, len(reader) - 1]
    decoded = reader.get_batch(picked).asnumpy().astype(int)
    rendered = render_frames(scene, frame_times(scene.duration)[picked])
    assert np.abs(decoded - rendered).mean() < 6


def test_command_line_takes_counts(tmp_path):
    tool = Path(__file__).parents[2] / 'tools/dataset_converters/moving_shapes.py'
    command = [sys.executable, str(tool), '--out', str(tmp_path), '--size', 'tiny']
    command += ['--workers', '0', '--quiet', '--no-trimmed-clips']
    command += ['--train', '1', '--val', '0', '--test', '0']
    command += ['--novel-composition', '0', '--novel-word', '1']
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 'novel_composition      0 videos' in done.stdout
    assert [path.name for path in sorted((tmp_path / 'videos').iterdir())] == [
        'novel_word_00000.mp4',
        'train_00000.mp4',
    ]
    assert not (tmp_path / 'recognition/clips').exists()


def test_killed_run_leaves_no_workers_and_resumes(root, tmp_path):
    """SIGKILL of the main process amid the work."""
    code = (
        'from mmvtg.datasets.moving_shapes import generate\n'
        'if __name__ == "__main__":\n'
        f'    generate({str(tmp_path)!r}, num_workers=1, counts={COUNTS!r})\n'
    )
    script = tmp_path / 'run.py'
    script.write_text(code)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, 'PYTHONPATH': str(Path(__file__).parents[2])},
    )
    videos = tmp_path / 'videos'
    while process.poll() is None and not list(videos.glob('[!.]*.mp4')):
        time.sleep(0.01)
    process.kill()
    # Reads to the end only when the last holder of the pipe, the worker, is gone.
    process.communicate(timeout=60)
    make(tmp_path)
    script.unlink()
    assert digest(tmp_path) == digest(root)
