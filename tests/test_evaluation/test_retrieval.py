"""Retrieval in blocks against sorting every row."""

import tracemalloc

import numpy as np
import pytest

from mmvtg.evaluation.functional import evaluate_retrieval
from mmvtg.evaluation.functional.retrieval import first_ranks
from mmvtg.registry import METRICS


def slow_rank(query, items, right):
    """Sort, wrong ones first among equals."""
    scores = [(-float(query @ item), ok) for item, ok in zip(items, right)]
    return 1 + [ok for _, ok in sorted(scores)].index(True)


@pytest.mark.parametrize('block', [1, 7, 1000])
def test_ranks_equal_sorting(block):
    rng = np.random.default_rng(0)
    # small whole numbers: ties everywhere
    queries, items = rng.integers(-2, 3, (40, 3)), rng.integers(-2, 3, (25, 3))
    item_groups = [*range(8), *rng.integers(0, 8, 17).tolist()]
    query_groups = rng.integers(0, 8, 40).tolist()
    ranks = first_ranks(queries, items, query_groups, item_groups, block)
    expected = [
        slow_rank(query, items, [g == group for g in item_groups])
        for query, group in zip(queries, query_groups)
    ]
    assert ranks.tolist() == expected


def test_both_directions_and_median():
    videos, texts = np.eye(3), np.array([[1, 0, 0], [0, 0, 1], [0, 0.5, 0.1]])
    result = evaluate_retrieval(videos, texts, top_k=(1, 2))
    assert result['text_to_video_R@1'] == 33.33
    assert result['text_to_video_R@2'] == 66.67
    assert result['text_to_video_MdR'] == 2  # ranks 1, 3, 2
    assert result['video_to_text_R@1'] == 33.33
    assert result['video_to_text_MdR'] == 2  # ranks 1, 3, 2


def test_equal_scores_find_nothing():
    result = evaluate_retrieval(np.ones((10, 2)), np.ones((10, 2)))
    assert result['text_to_video_R@1'] == result['video_to_text_R@5'] == 0
    assert result['text_to_video_MdR'] == 10


def test_memory_is_that_of_a_block():
    rng = np.random.default_rng(0)
    videos = rng.normal(size=(4000, 8)).astype('float32')
    tracemalloc.start()
    evaluate_retrieval(videos, videos, block=50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4000 * 4000 * 4 / 8  # an eighth of the whole similarity


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="no item belongs to group 'b'"):
        first_ranks(np.eye(2), np.eye(2), ['a', 'b'], ['a', 'a'])
    with pytest.raises(ValueError, match='2 videos and 3 texts'):
        evaluate_retrieval(np.eye(2), np.eye(3))
    with pytest.raises(ValueError, match='videos and of texts must be given together'):
        evaluate_retrieval(np.eye(2), np.eye(2), video_groups=['a', 'b'])
    with pytest.raises(ValueError, match=r'\(2, 2\) and \(3, 3\)'):
        first_ranks(np.eye(2), np.eye(3), [0, 1], [0, 1, 1])
    with pytest.raises(ValueError, match='row 1 of the items is not finite'):
        first_ranks(np.eye(2), np.array([[1, 0], [np.nan, 0]]), [0, 1], [0, 1])


def test_metric_counts_equal_captions_once():
    metric = METRICS.build(dict(type='CaptionRetrievalMetric', name='video'))
    videos = np.array([[1.0, 0], [0.9, 0.1], [0, 1.0]])
    texts = np.array([[1.0, 0], [1.0, 0], [0, 1.0]])
    metric.process(dict(caption=['a', 'a', 'b']), (videos, texts))
    result = metric.evaluate(3)
    assert result['retrieval/video_to_text_R@1'] == 100
    assert result['retrieval/text_to_video_MdR'] == 1
    assert result['retrieval/videos'] == 3 and result['retrieval/captions'] == 2
