"""Golden tests without recordings fail; they are neither skipped nor collected away."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import golden_files
import pytest
from golden_files import BUNDLED, LISTED, golden_folder

HERE = Path(__file__).parent
MODULES = sorted(
    path.name
    for path in HERE.glob('test_*.py')
    if re.search('golden_folder|import Case|    Case,', path.read_text())
    and path != Path(__file__)
)


def collect(folder: object) -> subprocess.CompletedProcess:
    """Collect the golden tests with another folder of recordings."""
    return subprocess.run(
        [
            sys.executable,
            '-m',
            'pytest',
            '--collect-only',
            '-q',
            '-p',
            'no:cacheprovider',
        ]
        + [str(HERE / name) for name in MODULES],
        capture_output=True,
        text=True,
        env=dict(os.environ, MMVTG_GOLDEN_DIR=str(folder)),
        cwd=HERE.parents[1],
    )


def test_every_golden_module_fails_without_its_recordings(tmp_path):
    done = collect(tmp_path / 'absent')
    assert done.returncode != 0
    broken = set(
        re.findall(r'^ERROR tests/test_golden/([\w.]+\.py)', done.stdout, re.M)
    )
    # Recordings of DistilBERT are only bundled.
    assert broken == set(MODULES) - {'test_distilbert_golden.py'}
    assert len(broken) > 12 and 'lacks recordings: ' in done.stdout


def test_a_missing_file_is_an_error_with_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(golden_files, 'GOLDEN', tmp_path)
    for method, names in LISTED['complete'].items():
        (tmp_path / method).mkdir()
        for name in names:
            (tmp_path / method / name).touch()
        assert golden_folder(method) == tmp_path / method
    for method, names in LISTED['complete'].items():
        (tmp_path / method / names[-1]).unlink()
        with pytest.raises(FileNotFoundError, match=re.escape(names[-1])):
            golden_folder(method)


def test_bundled_recordings_are_complete(monkeypatch):
    monkeypatch.setattr(golden_files, 'GOLDEN', BUNDLED)
    for method in LISTED['bundled']:
        assert golden_folder(method) == BUNDLED / method
    found = {path.name for path in BUNDLED.iterdir()}
    assert found == set(LISTED['bundled'])


def test_a_missing_bundled_file_is_an_error(tmp_path, monkeypatch):
    for name in ('GOLDEN', 'BUNDLED'):
        monkeypatch.setattr(golden_files, name, tmp_path / 'golden')
    shutil.copytree(BUNDLED / 'vdi', tmp_path / 'golden' / 'vdi')
    assert golden_folder('vdi').name == 'vdi'
    (tmp_path / 'golden' / 'vdi' / 'vdi_a.json').unlink()
    with pytest.raises(FileNotFoundError, match=r'vdi_a\.json'):
        golden_folder('vdi')
