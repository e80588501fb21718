"""All benchmarks of methods in one table, saved with what the machine is.

    python tools/benchmarks/run_all.py --out work_dirs/speed
    python tools/benchmarks/run_all.py --quick --only r2_tuning mmn

Runs ``r2_tuning.py``, ``detr.py`` and ``mmn.py`` of this folder one after the other,
each of which checks first that both implementations say the same. A row is a method:
time and memory of a training step, time of inference a query, and the ratio of each to
the plain implementation of the same run (below 1 is faster, or smaller). Sizes
are those of each benchmark, so rows are not to be compared with each other. Times are
of the processor on a CPU. ``--quick`` takes small batches and one repeat: a try-out, no
measurement. Into --out go ``speed.md`` and ``speed.json``.
"""

import argparse
import json
import os
import os.path as osp
import platform
import re
import subprocess
import sys
import time
from typing import Callable, Dict, List, NamedTuple, Optional

import torch

from mmvtg.utils.files import write_atomic
from mmvtg.utils.tool_main import tool_main
from mmvtg.version import __version__

HERE = osp.dirname(osp.abspath(__file__))
#: Row -> values by column; ``plain_...`` are those of the plain implementation.
Rows = Dict[str, Dict[str, float]]
#: Benchmarks' names of methods -> those of the table.
NAMES = {
    'moment_detr': 'Moment-DETR',
    'qd_detr': 'QD-DETR',
    'tr_detr': 'TR-DETR',
    'univtg': 'UniVTG',
}
COLUMNS = {
    'step_s': 'step, s',
    'memory_mib': 'memory of a step, MiB',
    'query_ms': 'inference, ms a query',
}


class Benchmark(NamedTuple):
    """How to run one of this folder's benchmarks.

    Args:
        full (list[str]): Options of a measurement.
        quick (list[str]): Options of a try-out.
        parse (callable): What it prints -> rows.
    """

    full: List[str]
    quick: List[str]
    parse: Callable[[str], Rows]


def parse_r2_tuning(text: str) -> Rows:
    """Lines ``train ours 5.3 s 5.3 s of CPU 1012 MiB``; a batch is one inference."""
    batch = int(re.search(r'batch size (\d+)', text)[1])
    number = r'([\d.]+)'
    line = rf'^(train|infer) +(literal|ours) +{number} s +{number} s of CPU +{number} M'
    row: Dict[str, float] = {}
    for mode, which, _, cpu, mib in re.findall(line, text, re.M):
        plain = 'plain_' if which == 'literal' else ''
        if mode == 'train':
            row[f'{plain}step_s'] = float(cpu)
            row[f'{plain}memory_mib'] = float(mib)
        else:
            row[f'{plain}query_ms'] = 1000 * float(cpu) / batch
    return {'R2-Tuning': row} if row else {}


def parse_detr(text: str) -> Rows:
    """Lines ``qd_detr train plain 900.0 ms, ours 800.0 ms, ratio 0.89``."""
    rows: Rows = {}
    line = r'^(\w+) +(train|infer) +plain +([\d.]+) ms.*, ours +([\d.]+) ms'
    for method, mode, plain, ours in re.findall(line, text, re.M):
        row = rows.setdefault(NAMES.get(method, method), {})
        name, unit = ('step_s', 1000) if mode == 'train' else ('query_ms', 1)
        row[name], row[f'plain_{name}'] = float(ours) / unit, float(plain) / unit
    return rows


def parse_mmn(text: str) -> Rows:
    """Lines ``N =  64 train dense 3.2 s 900 MiB, sparse 1.5 s 400 MiB``."""
    rows: Rows = {}
    side = r'([\d.]+) s (\d+) MiB'
    line = rf'^N = +(\d+) (train|predict) +dense {side}, sparse {side}'
    for size, mode, plain_s, plain_mib, ours_s, ours_mib in re.findall(
        line, text, re.M
    ):
        row = rows.setdefault(f'MMN, map {size} x {size}', {})
        if mode == 'train':
            row.update(step_s=float(ours_s), plain_step_s=float(plain_s))
            row.update(memory_mib=float(ours_mib), plain_memory_mib=float(plain_mib))
        else:
            row.update(
                query_ms=1000 * float(ours_s), plain_query_ms=1000 * float(plain_s)
            )
    return rows


BENCHMARKS = {
    'r2_tuning': Benchmark(
        [],
        ['--batch-size', '2', '--clips', '16', '--patches', '10', '--repeats', '1'],
        parse_r2_tuning,
    ),
    'detr': Benchmark(
        ['--repeats', '3'],
        [
            '--methods',
            'moment_detr',
            '--batch-size',
            '2',
            '--clips',
            '16',
            '--repeats',
            '1',
        ],
        parse_detr,
    ),
    'mmn': Benchmark([], ['--sizes', '16', '--width', '16'], parse_mmn),
}


def machine() -> Dict[str, object]:
    """What the numbers depend on."""
    model = platform.processor() or platform.machine()
    if osp.isfile('/proc/cpuinfo'):
        with open('/proc/cpuinfo') as file:
            found = re.search(r'^model name\s*: (.+)$', file.read(), re.M)
        model = found[1] if found else model
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return dict(
        processor=model,
        cores=os.cpu_count(),
        load=round(os.getloadavg()[0], 2),
        gpu=gpu,
        threads=os.environ.get('OMP_NUM_THREADS', 'not set'),
        python=platform.python_version(),
        torch=torch.__version__,
        mmvtg=__version__,
        date=time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime()),
    )


def run(name: str, quick: bool) -> Rows:
    """Rows of one benchmark; its own lines go to stderr as they come.

    Raises:
        RuntimeError: It failed, or printed nothing that can be read.
    """
    benchmark = BENCHMARKS[name]
    options = benchmark.quick if quick else benchmark.full
    command = [sys.executable, osp.join(HERE, f'{name}.py'), *options]
    print(f'$ {name}.py {" ".join(options)}', file=sys.stderr, flush=True)
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            print(f'  {line}', end='', file=sys.stderr, flush=True)
            lines.append(line)
    if process.returncode:
        raise RuntimeError(f'{name}.py ended with {process.returncode}')
    if name == 'r2_tuning':  # it does not print its batch size
        given = options.index('--batch-size') if '--batch-size' in options else None
        lines.append(f'batch size {16 if given is None else options[given + 1]}\n')
    rows = benchmark.parse(''.join(lines))
    if not rows:
        raise RuntimeError(f'{name}.py printed no line that this tool can read')
    return rows


def table(rows: Rows) -> str:
    """Markdown: each column and its ratio to the plain implementation."""
    titles = [text for title in COLUMNS.values() for text in (title, 'of plain')]
    lines = ['| method | ' + ' | '.join(titles) + ' |']
    lines.append('| --- |' + ' ---: |' * len(titles))
    for method, row in rows.items():
        cells = []
        for key in COLUMNS:
            value, plain = row.get(key), row.get(f'plain_{key}')
            cells.append('' if value is None else f'{value:.4g}')
            known = value is not None and plain
            cells.append(f'{value / plain:.2f}' if known else '')
        lines.append(f'| {method} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--only', nargs='+', choices=BENCHMARKS, default=[*BENCHMARKS])
    parser.add_argument('--quick', action='store_true', help='small sizes: a try-out')
    parser.add_argument('--out', default='work_dirs/speed', help='folder (%(default)s)')
    return parser.parse_args(argv)


@tool_main('run the same command again to go on')
def main(argv: Optional[List[str]] = None) -> int:
    args = parse_args(argv)
    facts, rows, failed = machine(), {}, []
    for name in args.only:
        try:
            rows.update(run(name, args.quick))
        except RuntimeError as error:
            failed.append(str(error))
    kind = 'A try-out with small sizes.' if args.quick else 'Full sizes.'
    shown = ', '.join(f'{key} {value}' for key, value in facts.items() if value)
    text = f'{kind} {shown}\n\n{table(rows)}\n'
    print(text)
    write_atomic(osp.join(args.out, 'speed.md'), text.encode())
    content = dict(machine=facts, quick=args.quick, rows=rows, failed=failed)
    data = json.dumps(content, indent=1).encode()
    write_atomic(osp.join(args.out, 'speed.json'), data)
    for error in failed:
        print(f'error: {error}', file=sys.stderr)
    return int(bool(failed))


if __name__ == '__main__':
    sys.exit(main())
