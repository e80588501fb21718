"""The files of the Ego4D-NLQ challenge.

They name a query by clip, annotation and number, and have windows without scores, best
first. Annotation lines of this project keep the three parts beside the ``qid``.
"""

from typing import Any, Dict, List, Sequence

from .packing import SubmissionError, check_same_qids, index_by_qid

_PARTS = ('clip_uid', 'annotation_uid', 'query_idx')


def to_ego4d(
    submission: Sequence[dict], annotations: Sequence[dict], top_k: int = 5
) -> Dict[str, Any]:
    """A submission in the challenge's layout.

    Args:
        submission (Sequence[dict]): ``qid`` and ``pred_relevant_windows``, best first.
        annotations (Sequence[dict]): ``qid``, ``clip_uid``, ``annotation_uid`` and
            ``query_idx`` of the split; labels are not needed.
        top_k (int): Windows a query; the challenge looks at five.

    Raises:
        SubmissionError: If the queries differ or an annotation lacks a part.
    """
    pred_of = index_by_qid(submission, 'submission')
    known = index_by_qid(annotations, 'annotations')
    check_same_qids(pred_of, known)
    results: List[dict] = []
    for qid, item in known.items():
        missing = [part for part in _PARTS if item.get(part) is None]
        if missing:
            raise SubmissionError(
                f'annotations: qid {qid!r} has no "{missing[0]}"; convert the official '
                'file with tools/dataset_converters/ego4d_nlq.py'
            )
        windows = pred_of[qid]['pred_relevant_windows'][:top_k]
        times = [[float(start), float(end)] for start, end, *_ in windows]
        results.append({**{p: item[p] for p in _PARTS}, 'predicted_times': times})
    return dict(version='1.0', challenge='ego4d_nlq_challenge', results=results)


def from_ego4d(content: Dict[str, Any]) -> List[dict]:
    """The challenge's layout as a submission; the first window has the highest score.

    Raises:
        SubmissionError: If a part is missing.
    """
    submission = []
    for number, item in enumerate(content['results'], 1):
        missing = [p for p in (*_PARTS, 'predicted_times') if item.get(p) is None]
        if missing:
            raise SubmissionError(f'results: entry {number} has no "{missing[0]}"')
        times = item['predicted_times']
        submission.append(
            dict(
                qid=f'{item["annotation_uid"]}_{item["query_idx"]}',
                vid=item['clip_uid'],
                pred_relevant_windows=[
                    [start, end, 1 - rank / len(times)]
                    for rank, (start, end) in enumerate(times)
                ],
            )
        )
    return submission
