"""Evaluation results as a small table for people."""

from typing import Any, Dict, List, Optional, Sequence

from .submission import brief_thresholds

_ORDER = ('full', 'short', 'middle', 'long')


def format_results(results: Dict[str, Any]) -> str:
    """Lay out results of the ``evaluate_...`` functions.

    Args:
        results (dict): Percentages by length range, saliency level and domain.

    Returns:
        str: Lines of text, '' if there is nothing to show.
    """
    ranges = [name for name in _ORDER if name in results]
    lines: List[str] = []
    if ranges:
        columns = [_moment_columns(results[name]) for name in ranges]
        header = list(dict.fromkeys(key for row in columns for key in row))
        rows = [[row.get(key) for key in header] for row in columns]
        lines += _table('moments', header, ranges, rows)
    levels = [name for name in results if name.startswith('HL-min-')]
    if levels:
        rows = [[results[name]['HL-mAP'], results[name]['HL-Hit1']] for name in levels]
        names = [name.removeprefix('HL-min-') for name in levels]
        lines += ([''] if lines else []) + _table(
            'highlights', ['mAP', 'Hit1'], names, rows
        )
    domains = results.get('domains')
    if domains:
        [key] = results['brief']
        rows = [[part[key]] for part in domains.values()] + [[results['brief'][key]]]
        lines += _table('domain', [key], [*domains, 'mean'], rows)
    if 'mAP' in results:
        header = [*results['mAP'], 'mean']
        row = [100 * v for v in (*results['mAP'].values(), results['average_mAP'])]
        lines += _table('detection', header, ['mAP'], [row])
    if 'AUC' in results:
        header = [key for key in results if key.startswith('AR@')]
        row = [*(100 * results[key] for key in header), results['AUC']]
        lines += _table('proposals', [*header, 'AUC'], ['%'], [row])
    return '\n'.join(lines)


def format_groups(results: Dict[str, dict]) -> str:
    """Lay out results of ``evaluate_groups``: a line a group, '-' where it has none.

    Args:
        results (dict): Of each group by its name.
    """
    rows = []
    for part in results.values():
        columns: Dict[str, float] = dict(queries=part['queries'])
        columns.update(_moment_columns(part.get('full', {})))
        levels = [key for key in part if key.startswith('HL-min-')]
        for level in levels[-1:]:  # the strictest one, which papers report
            columns['HL mAP'] = part[level]['HL-mAP']
            columns['HL Hit1'] = part[level]['HL-Hit1']
        rows.append(columns)
    header = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[row.get(key) for key in header] for row in rows]
    return '\n'.join(_table('group', header, list(results), cells))


def _moment_columns(part: dict) -> Dict[str, float]:
    columns = {}
    for key, recall in part.items():
        if key.startswith('MR-R'):
            for threshold in brief_thresholds(recall):
                columns[f'{key[3:]}@{threshold}'] = recall[threshold]
    if 'MR-mAP' in part:
        columns['mAP'] = part['MR-mAP']['average']
        columns['mAP@0.5'] = part['MR-mAP']['0.5']
        columns['mAP@0.75'] = part['MR-mAP']['0.75']
    if 'MR-mIoU' in part:
        columns['mIoU'] = part['MR-mIoU']
    return columns


def _table(
    title: str, header: Sequence[str], names: Sequence[str], rows: Sequence[Sequence]
) -> List[str]:
    widths = [max(len(key), 6) + 2 for key in header]
    first = max(len(text) for text in (title, *names))
    lines = [
        title.ljust(first) + ''.join(key.rjust(w) for key, w in zip(header, widths))
    ]
    for name, row in zip(names, rows):
        cells = [_cell(value).rjust(w) for value, w in zip(row, widths)]
        lines.append(name.ljust(first) + ''.join(cells))
    return lines


def _cell(value: Optional[float]) -> str:
    if value is None:
        return '-'
    return str(value) if isinstance(value, int) else f'{value:.2f}'
