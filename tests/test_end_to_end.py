"""The main job on the tiny MovingShapes world, run by the tools that users run."""

import json
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import List

import pytest
import torch
from tiny_world import CONFIG, ROOT, SHORT, environment, once, run


def train_command(work_dir: Path, *options: str, resume: bool = False) -> List[str]:
    command = [sys.executable, 'tools/train.py', CONFIG, '--work-dir', str(work_dir)]
    command += ['--resume'] if resume else []
    return [*command, '--cfg-options', *SHORT, *options]


@pytest.fixture(scope='session')
def trained(world, tmp_path_factory) -> Path:
    """Work dir of an uninterrupted run over four epochs."""
    return once(
        tmp_path_factory, 'trained', lambda work: run(train_command(work), world)
    )


def weights(work_dir: Path, epoch: int = 4) -> dict:
    path = work_dir / f'epoch_{epoch}.pth'
    return torch.load(path, weights_only=True, map_location='cpu')['state_dict']


def assert_equal_weights(first: Path, second: Path) -> None:
    one, two = weights(first), weights(second)
    assert one.keys() == two.keys() and len(one) > 20
    different = [key for key in one if not torch.equal(one[key], two[key])]
    assert not different


def metrics(output: str) -> dict:
    found = re.findall(r'((?:MR|HL)-\S+): (-?[\d.]+)', output)
    assert len(found) > 10
    return dict(found)


def test_training_learns_and_says_what_it_uses(trained):
    log = next(trained.glob('*/*.log')).read_text()
    assert 'train.jsonl: ' in log and 'samples are used' in log
    scalars = next(trained.glob('*/vis_data/scalars.json')).read_text()
    losses = [json.loads(line).get('loss') for line in scalars.splitlines()]
    losses = [loss for loss in losses if loss is not None]
    assert losses[-1] < losses[0]


def test_frozen_towers_and_features_are_not_in_the_checkpoint(trained):
    assert {key.split('.')[0] for key in weights(trained)} == {
        'neck',
        'pyramid',
        'head',
    }


@pytest.mark.parametrize('moment', ['first epoch', 'checkpoint written', 'later'])
def test_a_killed_run_resumes_to_the_same_weights(world, trained, tmp_path, moment):
    process = subprocess.Popen(
        train_command(tmp_path),
        cwd=ROOT,
        env=environment(world),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    sign = {
        'first epoch': r'Epoch\(train\) +\[1\]',
        'checkpoint written': r'Saving checkpoint at 1 epochs',
        'later': r'Saving checkpoint at 2 epochs',
    }[moment]
    for line in process.stdout:
        if re.search(sign, line):
            time.sleep(0.02 if moment == 'checkpoint written' else 0.3)
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not (tmp_path / 'epoch_4.pth').exists(), 'killed too late to test anything'
    run(train_command(tmp_path, resume=True), world)
    assert_equal_weights(trained, tmp_path)


def test_a_truncated_checkpoint_is_refused_by_hand_and_skipped_by_resume(
    world, trained, tmp_path
):
    for name in ('epoch_3.pth', 'epoch_4.pth'):
        shutil.copy(trained / name, tmp_path)
    newest = tmp_path / 'epoch_4.pth'
    newest.write_bytes(newest.read_bytes()[:-1000])
    (tmp_path / 'last_checkpoint').write_text(str(newest))
    command = train_command(tmp_path)
    command[5:5] = ['--resume', str(newest)]
    refused = subprocess.run(
        command, cwd=ROOT, env=environment(world), capture_output=True, text=True
    )
    assert refused.returncode == 1 and 'Traceback' not in refused.stderr
    (line,) = [x for x in refused.stderr.splitlines() if x.startswith('error:')]
    assert f'cannot resume from {newest}: it is truncated or damaged' in line
    said = run(train_command(tmp_path, resume=True), world)
    assert f'{newest} is truncated or damaged: skipped, training continues' in said
    assert_equal_weights(trained, tmp_path)


def test_the_validation_interval_changes_nothing(world, trained, tmp_path):
    run(train_command(tmp_path, 'train_cfg.val_interval=4'), world)
    assert_equal_weights(trained, tmp_path)


def test_the_number_of_workers_changes_nothing(world, trained, tmp_path):
    options = ['train_dataloader.num_workers=2']
    run(train_command(tmp_path, *options), world)
    assert_equal_weights(trained, tmp_path)


def test_two_processes_test_like_one(world, trained, tmp_path):
    checkpoint = str(trained / 'epoch_4.pth')
    arguments = [CONFIG, checkpoint, '--cfg-options', *SHORT]
    folders = [tmp_path / 'one', tmp_path / 'two']
    one = [sys.executable, 'tools/test.py', *arguments, '--work-dir', str(folders[0])]
    single = metrics(run(one, world))
    two = [
        *[sys.executable, '-m', 'torch.distributed.run', '--standalone'],
        *['--nproc_per_node=2', 'tools/test.py', *arguments],
        *['--launcher', 'pytorch', '--work-dir', str(folders[1])],
    ]
    double = metrics(run(two, world))
    assert single == double
    files = [(folder / 'submission.jsonl').read_text() for folder in folders]
    assert files[0] == files[1]


def test_two_processes_train(world, tmp_path):
    command = [
        *[sys.executable, '-m', 'torch.distributed.run', '--standalone'],
        *['--nproc_per_node=2', *train_command(tmp_path)[1:]],
        *['train_cfg.max_epochs=1'],
    ]
    launcher = command.index('--cfg-options')
    command[launcher:launcher] = ['--launcher', 'pytorch']
    run(command, world)
    state = torch.load(tmp_path / 'epoch_1.pth', weights_only=True)
    assert all(value.isfinite().all() for value in state['state_dict'].values())


def test_predictions_pictures_and_dump(world, trained, tmp_path):
    command = [
        *[sys.executable, 'tools/test.py', CONFIG, str(trained / 'epoch_4.pth')],
        *['--work-dir', str(tmp_path), '--dump', str(tmp_path / 'all.pkl')],
        *['--show-dir', str(tmp_path / 'pictures'), '--num-pictures', '2'],
        *['--cfg-options', *SHORT],
    ]
    run(command, world)
    assert len(list((tmp_path / 'pictures').glob('*.png'))) == 2
    assert (tmp_path / 'all.pkl').stat().st_size > 1000
    lines = (tmp_path / 'submission.jsonl').read_text().splitlines()
    truth = world / 'moving_shapes/tiny/qvhighlights/test.jsonl'
    assert len(lines) == len(truth.read_text().splitlines())
    first = json.loads(lines[0])
    assert {'qid', 'vid', 'pred_relevant_windows', 'pred_saliency_scores'} <= set(first)


def test_a_raw_video_gives_the_answer_of_stored_features(world, trained, tmp_path):
    from mmvtg.apis import VTGInferencer

    folder = world / 'moving_shapes' / 'tiny'
    truth = [
        json.loads(line)
        for line in (folder / 'qvhighlights/test.jsonl').read_text().splitlines()
    ]
    command = [
        *[sys.executable, 'tools/test.py', CONFIG, str(trained / 'epoch_4.pth')],
        *['--work-dir', str(tmp_path), '--cfg-options', *SHORT],
    ]
    run(command, world)
    lines = (tmp_path / 'submission.jsonl').read_text().splitlines()
    stored = {line['qid']: line for line in map(json.loads, lines)}
    config, weights_file = str(ROOT / CONFIG), str(trained / 'epoch_4.pth')
    inferencer = VTGInferencer(config, weights_file, 'cpu')
    for sample in truth[:3]:
        video = str(folder / 'videos' / f'{sample["vid"]}.mp4')
        answer = inferencer(video, sample['query'], out_dir=str(tmp_path / 'out'))
        prediction = answer['predictions'][0]
        expected = stored[sample['qid']]['pred_relevant_windows']
        got = torch.tensor(prediction['moments'])
        assert torch.allclose(got, torch.tensor(expected), atol=2e-4)
        assert prediction['duration'] == sample['duration']
        assert Path(answer['visualization'][0]).stat().st_size > 5000


def test_an_installed_wheel_trains_from_its_packaged_config(world, tmp_path):
    source, venv = tmp_path / 'source', tmp_path / 'venv'
    unwanted = ('.git', '.venv', 'data', 'outputs', 'work_dirs', 'build', 'tests')
    ignored = shutil.ignore_patterns(*unwanted, '*.egg-info', '.mim')
    shutil.copytree(ROOT, source, ignore=ignored)
    quiet = dict(check=True, capture_output=True)
    pip = [sys.executable, '-m', 'pip', '--disable-pip-version-check']
    options = ['--no-deps', '--no-build-isolation', '-w', str(tmp_path)]
    subprocess.run([*pip, 'wheel', *options, str(source)], **quiet)
    wheel = next(tmp_path.glob('mmvtg-*.whl'))
    # an environment that knows nothing of this folder; what mmvtg needs is lent to it
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', venv], **quiet)
    python = str(venv / 'bin' / 'python')
    subprocess.run(
        [*pip, '--python', python, 'install', '--no-deps', str(wheel)], **quiet
    )
    site = next(venv.glob('lib/python*/site-packages'))
    (site / 'lent.pth').write_text(sysconfig.get_paths()['purelib'])
    settings = environment(world)
    del settings['PYTHONPATH']
    kwargs = dict(cwd=tmp_path, env=settings, capture_output=True, text=True)
    show = 'import mmvtg; print(mmvtg.__file__)'
    where = subprocess.run([python, '-c', show], **kwargs)
    assert str(site) in where.stdout
    mim = site / 'mmvtg' / '.mim'
    assert (mim / 'model-index.yml').is_file()
    assert (mim / 'demo' / 'grounding_demo.py').is_file()
    work_dir = tmp_path / 'run'
    command = train_command(work_dir, 'train_cfg.max_epochs=1')
    command[:3] = [python, str(mim / 'tools/train.py'), str(mim / CONFIG)]
    result = subprocess.run(command, **kwargs)
    assert result.returncode == 0, result.stderr[-3000:]
    assert (work_dir / 'epoch_1.pth').is_file()
