"""Is a submission what the benchmark's host expects, and the archive it takes.

QVHighlights' host wanted one zip with a file for validation and one for test. The host
closed, but the format lives on in the tools of the field.
"""

import io
import json
import math
import zipfile
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence

import numpy as np

from .packing import SubmissionError, check_same_qids, index_by_qid, needed

#: Names of the files in the archive, by split.
MEMBERS = {'val': 'hl_val_submission.jsonl', 'test': 'hl_test_submission.jsonl'}


class Problem(NamedTuple):
    """A sentence, and whether the host refuses the file for it (or only misreads)."""

    text: str
    fatal: bool = True


def find_problems(
    submission: Sequence[dict],
    annotations: Sequence[dict],
    clip_length: float = 2.0,
    need_saliency: bool = True,
) -> List[Problem]:
    """Everything about a submission that its host, or its reader, would trip over.

    What evaluators silently put up with is not fatal: windows behind the end of the
    video, out of order or in whole numbers, too many or too few saliency scores.

    Args:
        submission (Sequence[dict]): ``qid``, ``vid``, ``pred_relevant_windows`` as rows
            of [start s, end s, score], ``pred_saliency_scores``, one number a clip.
        annotations (Sequence[dict]): ``qid, vid, duration`` of the split; labels are
            not needed.
        clip_length (float): Seconds per saliency score.
        need_saliency (bool): Whether saliency scores must be there.

    Returns:
        list[Problem]: Each names its qid; [] if all is well.
    """
    try:
        pred_of = index_by_qid(submission, 'submission')
        truth_of = index_by_qid(annotations, 'annotations')
        check_same_qids(pred_of, truth_of)
        durations = {q: float(needed(t, 'duration')) for q, t in truth_of.items()}
    except SubmissionError as error:
        return [Problem(str(error))]
    problems: List[Problem] = []
    for qid, truth in truth_of.items():
        entry, duration = pred_of[qid], durations[qid]
        found = [*_names(entry, truth), *_windows(entry, duration)]
        if need_saliency or entry.get('pred_saliency_scores') is not None:
            found += _saliency(entry, math.ceil(duration / clip_length - 1e-6))
        problems += [Problem(f'qid {qid!r}: {p.text}', p.fatal) for p in found]
    return problems


def _names(entry: dict, truth: dict) -> Iterator[Problem]:
    if entry.get('vid') != truth.get('vid'):
        yield Problem(
            f'vid is {entry.get("vid")!r}, the annotation has {truth.get("vid")!r}'
        )


def _windows(entry: dict, duration: float) -> Iterator[Problem]:
    name = 'pred_relevant_windows'
    rows = _numbers(entry.get(name), 2)
    if rows is None or rows.shape[1] != 3 or not len(rows):
        yield Problem(
            f'{name} is not a list of [start, end, score], at least one, all finite'
        )
        return
    if (rows[:, 1] < rows[:, 0]).any():
        yield Problem(f'{name}: a window ends before it starts')
    if rows[:, :2].min() < 0 or rows[:, :2].max() > duration + 1e-3:
        text = f'{name}: a window leaves the video (0 to {duration:g} s)'
        yield Problem(text, fatal=False)
    if (np.diff(rows[:, 2]) > 0).any():
        text = f'{name} is not sorted by score; recall takes the first windows'
        yield Problem(text, fatal=False)
    if any(isinstance(v, int) for row in entry[name] for v in row[:2]):
        text = f'{name} has whole numbers; write 2.0, as some hosts divide integers'
        yield Problem(text, fatal=False)


def _saliency(entry: dict, num_clips: int) -> Iterator[Problem]:
    name = 'pred_saliency_scores'
    scores = _numbers(entry.get(name), 1)
    if scores is None:
        yield Problem(f'{name} is not a list of finite numbers')
    elif len(scores) != num_clips:
        text = f'{name} has {len(scores)} numbers, the video {num_clips} clips'
        yield Problem(text, fatal=False)


def _numbers(values: object, ndim: int) -> Optional[np.ndarray]:
    """Finite numbers of that many dimensions, or None."""
    try:
        array = np.asarray(values)
    except ValueError:  # rows of different lengths
        return None
    if array.ndim != ndim or array.dtype.kind not in 'iuf':
        return None
    return array if np.isfinite(array).all() else None


def pack_submission(splits: Dict[str, Sequence[dict]]) -> bytes:
    """The archive to upload.

    Args:
        splits (dict): 'val' and / or 'test' -> submission.

    Returns:
        bytes: A zip; the same submissions give the same bytes.

    Raises:
        ValueError: If a split is unknown.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
        for split, submission in splits.items():
            if split not in MEMBERS:
                raise ValueError(
                    f"split '{split}' has no place in a submission archive; it takes "
                    f'{sorted(MEMBERS)}'
                )
            lines = ''.join(json.dumps(entry) + '\n' for entry in submission)
            # a fixed date, as the bytes are to depend on the content alone
            member = zipfile.ZipInfo(MEMBERS[split], date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, lines)
    return buffer.getvalue()
