"""Retrieval between two sets of embeddings: R@k and median rank, both directions.

The similarity of all pairs is never held: rows are compared in blocks, so 100,000 by
100,000 needs no more memory than the embeddings and one block.
"""

from typing import Dict, Hashable, Optional, Sequence, Tuple

import numpy as np

_BLOCK = 2**25  # similarities that are held


def first_ranks(
    queries: np.ndarray,
    items: np.ndarray,
    query_groups: Sequence[Hashable],
    item_groups: Sequence[Hashable],
    block: Optional[int] = None,
) -> np.ndarray:
    """Rank of the best right item for each query.

    A right item shares the query's group. Wrong items of equal similarity come first,
    so a model that gives everything the same score finds nothing.

    Args:
        queries (ndarray): (N, D).
        items (ndarray): (M, D); the similarity is the inner product.
        query_groups (Sequence): (N,) such as captions' or videos' ids.
        item_groups (Sequence): (M,)
        block (int, optional): Queries that are compared at a time; None: as many as
            make 32 million similarities (128 MiB of float32).

    Returns:
        ndarray: (N,) int, 1 for the best.

    Raises:
        ValueError: If a query has no right item, or embeddings do not fit or are not
            finite.
    """
    queries, items = (
        np.asarray(part, dtype=np.result_type(part, np.float32))
        for part in (queries, items)
    )
    if queries.ndim != 2 or items.ndim != 2 or queries.shape[1] != items.shape[1]:
        raise ValueError(
            f'retrieval: embeddings of shapes {queries.shape} and {items.shape} cannot '
            'be compared; want (N, D) and (M, D)'
        )
    for name, values in (('queries', queries), ('items', items)):
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
            raise ValueError(f'retrieval: row {row} of the {name} is not finite')
    query_group, item_group = _numbered(query_groups, item_groups)
    order = np.argsort(item_group, kind='stable')
    starts = np.searchsorted(item_group[order], query_group)
    ends = np.searchsorted(item_group[order], query_group, side='right')
    if (starts == ends).any():
        lost = query_groups[int((starts == ends).argmax())]
        raise ValueError(f'retrieval: no item belongs to group {lost!r} of a query')
    block = block or max(_BLOCK // len(items), 1)
    ranks = np.empty(len(queries), dtype=np.int64)
    for low in range(0, len(queries), block):
        part = slice(low, low + block)
        # no name for the similarities: one would keep them until the next are there
        ranks[part] = _ranks(queries[part] @ items.T, order, starts[part], ends[part])
    return ranks


def _ranks(
    similarity: np.ndarray, order: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """(B, M) similarities -> (B,) ranks; right items are ``order[start:end]``."""
    count = ends - starts
    row = np.repeat(np.arange(len(count)), count)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    column = order[np.repeat(starts, count) + offset]
    right = similarity[row, column]
    best = np.full(len(count), -np.inf, dtype=similarity.dtype)
    np.maximum.at(best, row, right)
    at_least = (similarity >= best[:, None]).sum(axis=1)
    tied = np.bincount(row, weights=right == best[row], minlength=len(count))
    return at_least - tied.astype(np.int64) + 1


def _numbered(a: Sequence, b: Sequence) -> Tuple[np.ndarray, np.ndarray]:
    """Groups as numbers, equal ones alike in both."""
    number: Dict[Hashable, int] = {}
    first, second = (
        np.array([number.setdefault(value, len(number)) for value in values], dtype=int)
        for values in (a, b)
    )
    return first, second


def evaluate_retrieval(
    videos: np.ndarray,
    texts: np.ndarray,
    video_groups: Optional[Sequence[Hashable]] = None,
    text_groups: Optional[Sequence[Hashable]] = None,
    top_k: Sequence[int] = (1, 5, 10),
    names: Tuple[str, str] = ('video', 'text'),
    block: Optional[int] = None,
) -> Dict[str, float]:
    """R@k and median rank of texts for videos and of videos for texts.

    Args:
        videos (ndarray): (N, D), unit length for cosine similarity.
        texts (ndarray): (M, D).
        video_groups (Sequence, optional): (N,) what belongs together has equal groups;
            None: row i belongs to row i.
        text_groups (Sequence, optional): (M,)
        top_k (Sequence[int]): The k of R@k.
        names (tuple): Of the two sets, for the keys.
        block (int, optional): Rows that are compared at a time.

    Returns:
        dict: ``text_to_video_R@1`` ..., percentages with two decimals, and
        ``text_to_video_MdR``, ranks from 1; the same for ``video_to_text``.

    Raises:
        ValueError: Groups of one side alone; see also :func:`first_ranks`.
    """
    if video_groups is None and text_groups is None:
        if len(videos) != len(texts):
            raise ValueError(
                f'retrieval: {len(videos)} {names[0]}s and {len(texts)} {names[1]}s; '
                'give groups where they are no pairs'
            )
        video_groups = text_groups = range(len(videos))
    if video_groups is None or text_groups is None:
        raise ValueError(
            f'retrieval: groups of {names[0]}s and of {names[1]}s must be given '
            'together, or neither'
        )
    both = {
        f'{names[1]}_to_{names[0]}': (texts, videos, text_groups, video_groups),
        f'{names[0]}_to_{names[1]}': (videos, texts, video_groups, text_groups),
    }
    results: Dict[str, float] = {}
    for name, (queries, items, query_groups, item_groups) in both.items():
        ranks = first_ranks(queries, items, query_groups, item_groups, block)
        for k in top_k:
            results[f'{name}_R@{k}'] = round(100 * float((ranks <= k).mean()), 2)
        results[f'{name}_MdR'] = float(np.median(ranks))
    return results
