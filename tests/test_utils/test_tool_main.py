"""Tools end with one line for errors of the input, and with a traceback for faults."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest
from tiny_world import CONFIG, ROOT, SHORT, environment

from mmvtg.datasets.errors import AnnotationError, BadSampleError
from mmvtg.part_arguments import ConfigError
from mmvtg.registry import MODELS
from mmvtg.utils.files import replacing
from mmvtg.utils.tool_main import STOPPED, tool_main


def end(raise_error, go_on='', debug=False, also=()):
    """Return what a tool whose main function raises an error exits with."""

    @tool_main(go_on, also)
    def main():
        raise_error()

    sys.argv = ['tool', *(['--debug'] if debug else [])]
    with pytest.raises(BaseException) as caught:
        main()
    return caught.value


@pytest.fixture(autouse=True)
def _arguments(monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['tool'])


def raising(error):
    def function():
        raise error

    return function


@pytest.mark.parametrize('kind', [AnnotationError, BadSampleError, ConfigError])
def test_bad_input_ends_with_its_message_alone(kind):
    ended = end(raising(kind('a.jsonl:3: do this')))
    assert isinstance(ended, SystemExit) and ended.code == 'error: a.jsonl:3: do this'


def test_error_that_mmvtg_raises_ends_with_its_message():
    ended = end(lambda: MODELS.build(dict(type='R2Blok')))
    assert ended.code.startswith("error: type='R2Blok' is no model")


@pytest.mark.parametrize('fault', [lambda: int('x'), lambda: {}['x'], lambda: len(3)])
def test_fault_of_the_code_keeps_its_traceback(fault):
    assert not isinstance(end(fault), SystemExit)


def test_tool_may_count_further_errors_as_input():
    assert isinstance(end(lambda: int('x'), also=(ValueError,)), SystemExit)


@pytest.mark.parametrize(
    'number, remedy',
    [
        (errno.ENOSPC, 'free some space; go on with --resume'),
        (errno.EACCES, 'change the permissions'),
        (errno.EROFS, 'choose another folder, because this one cannot be written'),
        (errno.ENOENT, 'check the path'),
    ],
)
def test_error_of_the_system_names_file_and_remedy(number, remedy):
    error = OSError(number, os.strerror(number), 'work/epoch_1.pth')
    ended = end(raising(error), 'go on with --resume')
    assert (
        ended.code
        == f'error: work/epoch_1.pth: {os.strerror(number)}; '
        + (ended.code.partition('; ')[2])
    )
    assert ended.code.endswith(remedy)


def test_failed_write_names_its_file(tmp_path):
    def write():
        with replacing(tmp_path / 'a.bin'):
            raise OSError(errno.ENOSPC, 'No space left on device')

    assert end(write).code.startswith(f'error: {tmp_path / "a.bin"}: No space left')


def test_debug_keeps_the_traceback():
    assert isinstance(end(raising(ConfigError('x')), debug=True), ConfigError)
    assert sys.argv == ['tool']  # the parser of the tool does not see the option


def test_ctrl_c_says_how_to_go_on(capsys):
    assert end(raising(KeyboardInterrupt()), 'go on with --resume').code == STOPPED
    assert capsys.readouterr().err == 'stopped; go on with --resume\n'


def test_ctrl_c_that_a_library_disguises(capsys):
    def format_config():
        try:
            raise KeyboardInterrupt
        except BaseException:
            raise SyntaxError('Failed to format the config file') from None

    assert end(format_config).code == STOPPED


@pytest.mark.parametrize('launcher', ['pytorch', 'slurm', 'mpi'])
@pytest.mark.parametrize('tool', ['train', 'test'])
def test_launcher_that_did_not_start_the_process(tmp_path, tool, launcher):
    command = [sys.executable, f'tools/{tool}.py', CONFIG, '--launcher', launcher]
    text = failure([*command, '--work-dir', str(tmp_path)], tmp_path)
    assert f'--launcher {launcher} needs a process that {launcher} started' in text


def failure(command, data) -> str:
    """Return the last line of a command that must fail without a traceback."""
    done = subprocess.run(
        command, cwd=ROOT, env=environment(data), capture_output=True, text=True
    )
    assert done.returncode == 1 and 'Traceback' not in done.stderr, done.stderr
    return done.stderr.splitlines()[-1]


def test_test_without_a_checkpoint_is_refused(world, tmp_path):
    command = [sys.executable, 'tools/test.py', CONFIG, '--work-dir', str(tmp_path)]
    text = failure(command, world)
    assert 'give a checkpoint' in text and '"random"' in text
    assert not list(tmp_path.rglob('*.jsonl')) and not list(tmp_path.glob('*/*.json'))


def test_random_asks_for_random_weights(world, tmp_path):
    command = [sys.executable, 'tools/test.py', CONFIG, 'random']
    command += ['--work-dir', str(tmp_path), '--cfg-options', *SHORT]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(world), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob('submission.jsonl'))


def test_training_that_ctrl_c_stops(world, tmp_path):
    command = [sys.executable, 'tools/train.py', CONFIG, '--work-dir', str(tmp_path)]
    command += ['--cfg-options', *SHORT, 'train_cfg.max_epochs=1000']
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(world),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not list(tmp_path.glob('epoch_*.pth')) and process.poll() is None:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == STOPPED and 'Traceback' not in said
    assert said.splitlines()[-1] == 'stopped; go on with --resume'
