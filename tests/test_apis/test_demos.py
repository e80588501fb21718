"""The commands that ask videos."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
MODEL = 'r2-tuning_tiny-clip-k4_1xb32-10e_moving-shapes'
CONFIG = f'configs/r2_tuning/{MODEL}.py'


def run(*arguments: str) -> subprocess.CompletedProcess:
    settings = {**os.environ, 'PYTHONPATH': str(ROOT), 'CUDA_VISIBLE_DEVICES': ''}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env=settings,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def video(write_video) -> str:
    values = np.random.default_rng(0).integers(0, 255, (70, 3)).astype(np.uint8)
    return str(write_video(values))


def test_inferencer_demo_writes_everything(video, tmp_path):
    out = tmp_path / 'out'
    result = run(
        *['demo/vtg_inferencer_demo.py', video, '-q', 'a red circle', 'it stops'],
        *['--model', MODEL, '--weights', 'random', '--device', 'cpu'],
        *['--out', out, '--save-video', '--video-fps', '0.5', '--window', '40'],
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert '(1:10.0): a red circle' in result.stdout
    names = sorted(path.name for path in out.iterdir())
    logs = ['predictions.json', 'predictions.jsonl']
    assert names == [*logs, 'v_0.mp4', 'v_0.png', 'v_1.mp4', 'v_1.png']
    one, two = json.loads((out / 'predictions.json').read_text())
    assert one['duration'] == two['duration'] == 70
    assert len(one['saliency']) == 70 and two['query'] == 'it stops'


def test_bad_videos_are_named_and_the_others_answered(video, tmp_path):
    bad = tmp_path / 'bad.mp4'
    bad.write_bytes(b'no video')
    asked = ['--model', MODEL, '--weights', 'random', '--device', 'cpu', '-q', 'a star']
    result = run(
        'demo/vtg_inferencer_demo.py', bad, video, *asked, '--out', tmp_path / 'out'
    )
    assert result.returncode == 1
    assert f'{video} (1:10.0): a star' in result.stdout
    assert 'bad.mp4 cannot be opened' in result.stderr.splitlines()[-1]


def test_grounding_demo_is_a_short_way_to_it(video, tmp_path):
    out = tmp_path / 'out'
    result = run(
        'demo/grounding_demo.py', video, 'a red circle', CONFIG, 'random', '--out', out
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert str(out / 'v_0.png') in result.stdout
    assert sorted(p.name for p in out.iterdir()) == [
        'predictions.json',
        'predictions.jsonl',
        'v_0.png',
    ]


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['gone.mp4', '-q', 'x', '-m', MODEL, '-w', 'random'], 'gone.mp4 does not'),
        ([__file__, '-q', 'x', '-m', f'{MODEL}-full'], 'no published weights'),
        ([__file__, '-q', 'x', '-m', 'r2-tuning_moving'], 'did you mean'),
        (['gone.mp4', '-m', MODEL], 'at least one video and one --query'),
    ],
)
def test_errors_are_one_line(arguments, message):
    result = run('demo/vtg_inferencer_demo.py', *arguments)
    assert result.returncode != 0
    assert 'Traceback' not in result.stderr
    assert message in result.stderr.splitlines()[-1]


def test_action_demo_detects(video, tmp_path):
    out = tmp_path / 'out'
    result = run(
        *['demo/action_demo.py', video, '-c', 'red circle', 'VeryGreen', '--out', out],
        *['-m', 'stale_tiny-clip_1xb32-20e_moving-shapes', '-w', 'random'],
        *['--device', 'cpu', '--window', '32', '--top-k', '2'],
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert f'{video} (70.0 s)' in result.stdout
    assert sorted(p.name for p in out.iterdir()) == [
        'predictions.json',
        'predictions.jsonl',
        'v_0.png',
    ]
    (answer,) = json.loads((out / 'predictions.json').read_text())
    assert answer['classes'] == ['red circle', 'VeryGreen']


def test_action_demo_recognises_and_retrieves(video, tmp_path):
    model = 'hand-written{}_tiny-clip_moving-shapes'
    for kind, asked in (
        ('-sentences', ['--segment', '2', '30.5', '--top-k', '3']),
        ('-retrieval', ['-q', 'a red circle', 'it stops']),
    ):
        arguments = [video, '-m', model.format(kind), *asked, '--out', tmp_path / kind]
        result = run('demo/action_demo.py', *arguments)
        assert result.returncode == 0, result.stderr[-3000:]
        assert 'random weights' not in result.stdout + result.stderr
        assert (tmp_path / kind / 'predictions.json').is_file()
        lines = result.stdout.split('\n\n')
        assert len(lines[1].splitlines()) == (4 if kind == '-sentences' else 2)


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['-m', MODEL, '-w', 'random'], 'demo/vtg_inferencer_demo.py asks models that'),
        (['-m', 'hand-written-retrieval_tiny-clip_moving-shapes'], 'at least one --q'),
        ([], 'at least one video and --model'),
    ],
)
def test_errors_of_action_demo_are_one_line(arguments, message, video):
    result = run('demo/action_demo.py', video, *arguments)
    assert result.returncode != 0
    assert 'Traceback' not in result.stderr
    assert message in result.stderr.splitlines()[-1]


def test_models_are_listed():
    result = run('demo/vtg_inferencer_demo.py', '--list-models')
    assert MODEL in result.stdout.splitlines()
