"""The commands of docs/own_data.md run in the order in which they stand."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tiny_world import ROOT, environment

PAGE = (ROOT / 'docs/own_data.md').read_text()


def blocks(language: str) -> list:
    return re.findall(rf'```{language}\n(.*?)```', PAGE, re.DOTALL)


def write_data(world: Path, folder: Path) -> dict:
    """Videos and lines as the page asks for: no saliency."""
    tiny = world / 'moving_shapes' / 'tiny'
    names: dict = {}
    (folder / 'videos').mkdir(parents=True)
    for split, count in (('train', 10), ('val', 4)):
        lines = (tiny / f'qvhighlights/{split}.jsonl').read_text().splitlines()[:count]
        with open(folder / f'{split}.jsonl', 'w') as file:
            for line in map(json.loads, lines):
                name = names.setdefault(line['vid'], f'v{len(names)}')
                kept = ('qid', 'query', 'duration', 'relevant_windows')
                file.write(
                    json.dumps({k: line[k] for k in kept} | {'vid': name}) + '\n'
                )
    for source, name in names.items():
        shutil.copy(tiny / f'videos/{source}.mp4', folder / f'videos/{name}.mp4')
    return names


def call(command: str, folder: Path, world: Path) -> subprocess.CompletedProcess:
    """A line of the page; its ``python`` is this one, as where a venv is active."""
    env = environment(world)
    here = str(Path(sys.executable).parent)
    return subprocess.run(
        ['bash', '-c', command],
        cwd=folder,
        env=dict(env, PATH=os.pathsep.join([here, env['PATH']])),
        capture_output=True,
        text=True,
    )


def test_the_tutorial_runs(world, tmp_path):
    names = write_data(world, tmp_path / 'my_data')
    assert len(names) > 2 and set(json.loads(blocks('json')[0])) >= {'query', 'vid'}
    for part in ('configs', 'tools', 'demo'):
        (tmp_path / part).symlink_to(ROOT / part)
    (config,) = blocks('python')
    (tmp_path / 'my_config.py').write_text(config)
    commands = [line for block in blocks('bash') for line in block.splitlines()]
    assert len(commands) == 6
    said = []
    for command in commands:
        done = call(command, tmp_path, world)
        assert done.returncode == 0, command + done.stdout[-2000:] + done.stderr[-2000:]
        said.append(done.stdout + done.stderr)
    assert 'MR-full-mAP' in said[4]
    (answer,) = json.loads(
        (tmp_path / 'work_dirs/mine/answers/predictions.json').read_text()
    )
    assert answer['moments'] and answer['saliency']
    assert list((tmp_path / 'work_dirs/mine/answers').glob('*.png'))


def test_a_mistake_is_found_before_training(world, tmp_path):
    folder = tmp_path / 'my_data'
    write_data(world, folder)
    with open(folder / 'train.jsonl', 'a') as file:
        file.write('{"qid": 999, "query": "it moves", "vid": "v0"}\n')
    command = blocks('bash')[0].splitlines()[0].replace('tools/', f'{ROOT}/tools/')
    done = call(command, tmp_path, world)
    assert done.returncode == 1 and 'duration' in done.stdout
