"""One table of all method benchmarks."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def tool():
    path = ROOT / 'tools/benchmarks/run_all.py'
    spec = importlib.util.spec_from_file_location('run_all', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_lines_are_read(tool):
    text = (
        'train                literal    16.900 s   15.000 s of CPU     4164 MiB\n'
        'train                ours        5.300 s    5.000 s of CPU     1012 MiB\n'
        'infer                ours        1.500 s    1.600 s of CPU      177 MiB\n'
        'batch size 16\n'
    )
    (row,) = tool.parse_r2_tuning(text).values()
    assert row == dict(
        plain_step_s=15.0,
        plain_memory_mib=4164.0,
        step_s=5.0,
        memory_mib=1012.0,
        query_ms=100.0,
    )
    text = (
        'qd_detr      infer  plain     20.00 ms a query, ours     10.00 ms a query, r'
    )
    assert tool.parse_detr(text) == {
        'QD-DETR': dict(query_ms=10.0, plain_query_ms=20.0)
    }
    text = 'N =  64 train   dense 4.00 s 900 MiB, sparse 1.00 s 300 MiB'
    assert tool.parse_mmn(text)['MMN, map 64 x 64']['plain_step_s'] == 4


def test_the_table_has_ratios(tool):
    rows = {'A': dict(step_s=1.0, plain_step_s=4.0, query_ms=3.0)}
    assert tool.table(rows).splitlines()[-1] == '| A | 1 | 0.25 |  |  | 3 |  |'


def test_a_benchmark_that_runs_and_one_that_fails(tool, tmp_path, monkeypatch, capsys):
    broken = tool.BENCHMARKS['mmn']._replace(quick=['--nonsense'])
    monkeypatch.setitem(tool.BENCHMARKS, 'mmn', broken)
    code = tool.main(['--quick', '--only', 'r2_tuning', 'mmn', '--out', str(tmp_path)])
    found = json.loads((tmp_path / 'speed.json').read_text())
    assert code == 1 and found['failed'] == ['mmn.py ended with 2']
    row = found['rows']['R2-Tuning']
    assert set(row) == {
        f'{plain}{name}' for plain in ('', 'plain_') for name in tool.COLUMNS
    }
    assert found['machine']['cores'] and '| R2-Tuning |' in capsys.readouterr().out
    assert '| R2-Tuning |' in (tmp_path / 'speed.md').read_text()
