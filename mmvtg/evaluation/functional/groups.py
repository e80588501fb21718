"""The scores of parts of a submission: queries that have something in common."""

import re
from typing import Any, Dict, Hashable, List, Mapping, Sequence, Set

from .packing import check_same_qids, index_by_qid
from .submission import evaluate_submission

#: Name of what belongs to no group.
REST = 'rest'
Groups = Dict[str, Set[Hashable]]


def group_by_field(ground_truth: Sequence[dict], field: str) -> Groups:
    """Queries by what their annotation says in a field; a list counts by its length.

    Args:
        ground_truth (Sequence[dict]): One dict a query, with ``qid``.
        field (str): Its key. Queries without it are in :data:`REST`.

    Raises:
        ValueError: No annotation has the field.
    """
    groups: Groups = {}
    for entry in ground_truth:
        value = entry.get(field)
        value = len(value) if isinstance(value, (list, dict)) else value
        name = REST if value is None else f'{field} {value}'
        groups.setdefault(name, set()).add(entry['qid'])
    if set(groups) <= {REST}:
        fields = sorted({key for entry in ground_truth for key in entry})
        raise ValueError(f'no annotation has the field {field!r}; they have {fields}')
    return dict(sorted(groups.items(), key=lambda item: (item[0] == REST, item[0])))


def group_by_pattern(
    ground_truth: Sequence[dict], patterns: Mapping[str, str]
) -> Groups:
    """Queries by regular expressions; one may be in several groups.

    Args:
        ground_truth (Sequence[dict]): One dict a query, with ``qid`` and ``query``.
        patterns (dict): Name of a group -> regular expression, looked for anywhere in
            the query, small and capital letters alike. What none finds is in
            :data:`REST`.

    Raises:
        ValueError: A pattern is no regular expression, or finds no query.
    """
    groups: Groups = {}
    for name, pattern in patterns.items():
        try:
            search = re.compile(pattern, re.IGNORECASE).search
        except re.error as error:
            raise ValueError(
                f'group {name!r}: {pattern!r} is wrong: {error}'
            ) from error
        groups[name] = {e['qid'] for e in ground_truth if search(e.get('query') or '')}
        if not groups[name]:
            raise ValueError(f'group {name!r}: {pattern!r} finds none of the queries')
    rest = {entry['qid'] for entry in ground_truth} - set().union(*groups.values())
    return {**groups, REST: rest} if rest else groups


def evaluate_groups(
    submission: Sequence[dict],
    ground_truth: Sequence[dict],
    groups: Groups,
    protocol: Any = 'qvhighlights',
    clip_length: float = 2.0,
) -> Dict[str, dict]:
    """Score each group on its own, and all queries.

    Args:
        submission (Sequence[dict]): See :func:`evaluate_submission`.
        ground_truth (Sequence[dict]): Likewise.
        groups (dict): Name -> ids of queries.
        protocol (str | dict): See :func:`evaluate_submission`.
        clip_length (float): Seconds per clip of the saliency.

    Returns:
        dict: Name (``all`` last) -> what :func:`evaluate_submission` returns, and
        ``queries``, how many they are.

    Raises:
        SubmissionError: If a query is missing or not in the ground truth.
    """
    pred_of = index_by_qid(submission, 'submission')
    truth_of = index_by_qid(ground_truth, 'ground truth')
    check_same_qids(pred_of, truth_of)
    results: Dict[str, dict] = {}
    for name, qids in {**groups, 'all': set(truth_of)}.items():
        kept: List[Hashable] = [qid for qid in truth_of if qid in qids]
        pred, truth = ([table[qid] for qid in kept] for table in (pred_of, truth_of))
        scores = evaluate_submission(pred, truth, protocol, clip_length)
        results[name] = dict(scores, queries=len(kept))
    return results
