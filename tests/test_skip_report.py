"""Runs end with what they have skipped, with one process and with several."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SKIPS = """
import pytest

@pytest.mark.parametrize('number', range(3))
def test_a(number):
    pytest.skip('no recording')

@pytest.mark.skipif(True, reason='no browser')
def test_b():
    pass

def test_c():
    pytest.importorskip('a_part_that_nobody_has')

def test_d():
    pass
"""
WHOLE = "import pytest\npytest.importorskip('another_part', reason='pip install it')"


@pytest.mark.parametrize('options', [[], ['-n', '2']])
def test_skipped_tests_are_counted_and_named(tmp_path, options):
    (tmp_path / 'test_one.py').write_text(SKIPS)
    (tmp_path / 'test_two.py').write_text(WHOLE)
    command = [sys.executable, '-m', 'pytest', '-q', '-p', 'skip_report', *options]
    environment = dict(os.environ, PYTHONPATH=str(Path(__file__).parent))
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    start = next(i for i, line in enumerate(lines) if 'skipped: ' in line)
    assert lines[start].strip('= ') == 'skipped: 5 tests, 1 whole file'
    missing = "could not import 'a_part_that_nobody_has': No module named"
    assert lines[start + 1].startswith(f'1 test: {missing}')
    assert lines[start + 2 : start + 5] == [
        '1 test: no browser (test_one.py)',
        '3 tests: no recording (test_one.py)',
        '1 whole file: pip install it (test_two.py)',
    ]


def test_this_run_does_so(pytestconfig):
    hooks = pytestconfig.hook.pytest_terminal_summary.get_hookimpls()
    assert any(hook.function.__module__ == 'skip_report' for hook in hooks)
