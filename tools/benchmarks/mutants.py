"""Count the mutants of the core that the tests do not notice.

    pip install mutmut
    python tools/benchmarks/mutants.py structures
    python tools/benchmarks/mutants.py evaluation --fraction 0.25 --seed 0

mutmut (https://github.com/boxed/mutmut) changes one operator, number or argument at a
time in a copy of the project, and runs the tests of the changed function. A mutant
that no test notices survives. The command prints the surviving mutants with their
changed lines, and their fraction. ``--fraction`` samples mutants, because a whole area
takes up to an hour on one core.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Dict, List, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
COPIED = ('mmvtg', 'tests', 'configs', 'tools', 'demo', 'docs')


class Area(NamedTuple):
    """Mutated files and the tests that run for them."""

    files: List[str]
    tests: List[str]


AREAS: Dict[str, Area] = dict(
    structures=Area(
        ['mmvtg/structures/*'],
        [
            'tests/test_structures.py',
            'tests/test_properties/test_spans.py',
            'tests/test_models/test_losses/test_detr_losses.py',
            'tests/test_models/test_necks/test_cross_encoder.py',
        ],
    ),
    losses=Area(
        ['mmvtg/models/losses/*'],
        [
            'tests/test_models/test_losses',
            'tests/test_models/test_heads',
            'tests/test_golden/test_stale_golden.py',
        ],
    ),
    task_modules=Area(
        ['mmvtg/models/task_modules/*'],
        [
            'tests/test_models/test_task_modules',
            'tests/test_models/test_heads/test_anchor_free_head.py',
            'tests/test_properties/test_nms_and_matcher.py',
            'tests/test_golden/test_mmn_golden.py',
            'tests/test_golden/test_stale_golden.py',
            'tests/test_golden/test_tad_golden.py',
        ],
    ),
    evaluation=Area(
        ['mmvtg/evaluation/functional/*'],
        [
            'tests/test_properties/test_metrics.py',
            'tests/test_golden/test_metric_golden.py',
            'tests/test_golden/test_tad_golden.py',
            *(
                f'tests/test_evaluation/test_{name}.py'
                for name in (
                    'average_precision',
                    'baselines',
                    'detection',
                    'error_kinds',
                    'eval_predictions_tool',
                    'groups',
                    'highlight',
                    'metric_classes',
                    'moment_retrieval',
                    'retrieval',
                    'submission_files',
                    'summary',
                    'table',
                )
            ),
        ],
    ),
    features=Area(
        [
            'mmvtg/datasets/array_files.py',
            'mmvtg/datasets/feature_*',
            'mmvtg/datasets/pack_*',
            'mmvtg/datasets/store_manifest.py',
        ],
        [
            'tests/test_datasets/test_array_files.py',
            'tests/test_datasets/test_feature_pack.py',
            'tests/test_datasets/test_feature_streams.py',
            'tests/test_datasets/test_stores.py',
        ],
    ),
)


def copy_project(area: Area, target: Path) -> None:
    """Copy the project to ``target`` with mutmut's settings for ``area``."""
    shutil.rmtree(target, ignore_errors=True)
    skip = shutil.ignore_patterns('__pycache__')
    for name in COPIED:
        shutil.copytree(ROOT / name, target / name, ignore=skip)
    shutil.copy(ROOT / 'setup.py', target)
    settings = dict(
        source_paths=['mmvtg'],
        only_mutate=area.files,
        also_copy=[name for name in COPIED if name != 'mmvtg'] + ['setup.py'],
        pytest_add_cli_args_test_selection=area.tests,
    )
    lines = [f'{key} = {json.dumps(value)}' for key, value in settings.items()]
    text = (ROOT / 'pyproject.toml').read_text() + '\n[tool.mutmut]\n'
    (target / 'pyproject.toml').write_text(text + '\n'.join(lines) + '\n')


def run(target: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """Run mutmut on the named mutants."""
    command = [sys.executable, '-m', 'mutmut', 'run', '--max-children', '1', *names]
    env = {**os.environ, 'OMP_NUM_THREADS': '1'}
    env.pop('PYTHONPATH', None)  # The tests must import the mutated copy.
    return subprocess.run(command, cwd=target, env=env, capture_output=True, text=True)


def exit_codes(target: Path) -> Dict[str, int | None]:
    """Return the exit code of the tests of every mutant, None if it did not run."""
    codes: Dict[str, int | None] = {}
    for file in sorted((target / 'mutants').rglob('*.meta')):
        codes.update(json.loads(file.read_text())['exit_code_by_key'])
    return codes


def show(target: Path, name: str) -> str:
    """Return the changed lines of a mutant."""
    command = [sys.executable, '-m', 'mutmut', 'show', name]
    out = subprocess.run(command, cwd=target, capture_output=True, text=True).stdout
    changed = [line for line in out.splitlines() if line[:1] in '+-']
    return '\n'.join(line for line in changed if line[:3] not in ('+++', '---'))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('area', choices=AREAS)
    parser.add_argument('--fraction', type=float, default=1.0)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--work', type=Path, default=ROOT / 'build' / 'mutants')
    args = parser.parse_args()
    target = args.work / args.area
    copy_project(AREAS[args.area], target)
    made = run(target, 'no.such.mutant')  # mutmut only makes the mutants, and fails.
    names = sorted(exit_codes(target))
    if not names:
        raise SystemExit(f'mutmut made no mutants:\n{made.stdout}{made.stderr}')
    count = round(args.fraction * len(names))
    chosen = sorted(random.Random(args.seed).sample(names, count))
    finished = run(target, *chosen)
    if finished.returncode:
        raise SystemExit(f'mutmut failed:\n{finished.stdout}{finished.stderr}')
    codes = exit_codes(target)
    # mutmut's codes: 0 tests passed, 33 no test calls the function
    kinds = {0: 'survived', 5: 'no test', 33: 'no test', None: 'not run'}
    kind = {name: kinds.get(codes[name], 'killed') for name in chosen}
    for name in chosen:
        if kind[name] != 'killed':
            print(f'{name}: {kind[name]}\n{show(target, name)}')
    found = Counter(kind.values())
    print(f'{args.area}: {count} of {len(names)} mutants, {dict(found)}')
    print(f'not killed: {1 - found["killed"] / max(count, 1):.1%}')


if __name__ == '__main__':
    main()
