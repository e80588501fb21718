"""Problems of submissions, and the files of Ego4D's challenge."""

import pytest

from mmvtg.evaluation.functional.ego4d import from_ego4d, to_ego4d
from mmvtg.evaluation.functional.packing import SubmissionError
from mmvtg.evaluation.functional.schema import find_problems

TRUTH = dict(qid='a_0', vid='v', duration=10.0)


def entry(windows, saliency=(0.5,) * 5):
    return dict(
        qid='a_0',
        vid='v',
        pred_relevant_windows=windows,
        pred_saliency_scores=list(saliency),
    )


def problems(windows, **options):
    return [p.text for p in find_problems([entry(windows, **options)], [TRUTH])]


def test_a_window_may_fill_the_video_and_have_a_negative_score():
    assert problems([[0.0, 10.0, 0.5], [0.0, 10.0005, -0.5]]) == []
    (text,) = problems([[0.0, 10.01, 0.5]])
    assert text.endswith('a window leaves the video (0 to 10 s)')
    (text,) = problems([[-0.5, 5.0, 0.5]])
    assert 'leaves the video' in text


def test_names_of_files_are_in_messages():
    (problem,) = find_problems([entry([[0.0, 1.0, 0.5]])] * 2, [TRUTH])
    assert problem.text.startswith('submission: ') and problem.fatal
    (problem,) = find_problems([entry([[0.0, 1.0, 0.5]])], [TRUTH] * 2)
    assert problem.text.startswith('annotations: ') and problem.fatal


def test_ego4d_and_back():
    parts = dict(clip_uid='c', annotation_uid='a', query_idx=0)
    windows = [[1.0, 2.0, 0.9], [3.0, 4.0, 0.8], [5.0, 6.0, 0.7]]
    content = to_ego4d([entry(windows)], [dict(TRUTH, **parts)], top_k=2)
    assert content == dict(
        version='1.0',
        challenge='ego4d_nlq_challenge',
        results=[dict(parts, predicted_times=[[1.0, 2.0], [3.0, 4.0]])],
    )
    (line,) = from_ego4d(content)
    assert line == dict(
        qid='a_0',
        vid='c',
        pred_relevant_windows=[[1.0, 2.0, 1.0], [3.0, 4.0, 0.5]],
    )
    del content['results'][0]['query_idx']
    with pytest.raises(SubmissionError, match='entry 1 has no "query_idx"'):
        from_ego4d(content)
