"""Summary of skipped tests by reason, printed at the end of each run."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name what was not tested; a skipped test must not go unnoticed."""
    lines = skip_lines(terminalreporter.stats.get('skipped', []))
    if lines:
        terminalreporter.section(lines[0])
        for line in lines[1:]:
            terminalreporter.write_line(line)


def skip_lines(reports: Iterable[Any]) -> list[str]:
    """Return a title with the totals, and a line per reason with its files.

    Args:
        reports (Iterable[TestReport | CollectReport]): Reports of skipped tests, and of
            files that were skipped as a whole.
    """
    tests: dict[str, list[str]] = defaultdict(list)
    files: dict[str, list[str]] = defaultdict(list)
    for report in reports:
        whole_file = isinstance(report, pytest.CollectReport)
        kind = files if whole_file else tests
        kind[_reason(report.longrepr)].append(report.nodeid.partition('::')[0])
    if not tests and not files:
        return []
    lines = [f'skipped: {_count(tests, files)}']
    for reason in sorted(tests.keys() | files.keys()):
        one, two = tests.get(reason, []), files.get(reason, [])
        where = ', '.join(sorted({*one, *two}))
        lines.append(f'{_count({0: one}, {0: two})}: {reason} ({where})')
    return lines


def _reason(longrepr: Any) -> str:
    reason = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return reason.removeprefix('Skipped: ')


def _count(tests: dict, files: dict) -> str:
    """Return ``2 tests, 1 whole file``."""
    counts = [sum(map(len, kind.values())) for kind in (tests, files)]
    names = ('test', 'whole file')
    parts = [f'{n} {name}{"s" * (n > 1)}' for n, name in zip(counts, names) if n]
    return ', '.join(parts)
