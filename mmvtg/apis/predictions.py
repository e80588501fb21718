"""Valid moments, names of output files, and the log of a run that can be resumed."""

import hashlib
import json
import os
import os.path as osp
from collections import Counter
from collections.abc import Sequence
from typing import Any

from mmengine.logging import MMLogger
from mmengine.structures import InstanceData

from mmvtg.encoding.cache import fingerprint
from mmvtg.structures import GroundingDataSample

#: Log in the folder of a run, one JSON object per prediction.
PREDICTIONS = 'predictions.jsonl'
#: Length of the shortest moment, seconds.
MIN_LENGTH = 1e-3
#: Maximum length of a stem in bytes, which leaves room for numbers and suffixes.
_NAME_BYTES = 120


def keep_valid_moments(sample: GroundingDataSample) -> GroundingDataSample:
    """Clamp predicted moments into the video and drop those without a length.

    Heads round ends to the grid of their data set, which may pass the end of a video or
    leave nothing of a short moment.

    Args:
        sample (GroundingDataSample): Sample with ``duration`` (seconds) and
            ``pred_moments``, changed in place.
    """
    moments = sample.pred_moments
    spans = moments.spans.clamp(0, sample.duration)
    keep = spans[:, 1] - spans[:, 0] >= MIN_LENGTH
    fields = {name: value[keep] for name, value in moments.items()}
    sample.pred_moments = InstanceData(**{**fields, 'spans': spans[keep]})
    return sample


def output_stem(path: str) -> str:
    """Return the name of a video for file names: printable, and not too long."""
    stem = osp.splitext(osp.basename(osp.normpath(path)))[0]
    shown = os.fsencode(stem).decode('utf-8', 'replace').replace('\ufffd', '_')
    if shown == stem and len(shown.encode()) <= _NAME_BYTES:
        return stem
    digest = hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]
    short = shown.encode()[:_NAME_BYTES].decode('utf-8', 'ignore')
    return f'{short}-{digest}'


class PredictionLog:
    """File of the predictions of a run, with which a second run goes on.

    Predictions of one video appear together or not at all. A prediction of another
    file, query or model is not reused. Make one log per call.

    Args:
        folder (str): Folder of the run, created if it does not exist.
        model (str): Identity of the model and its settings.
    """

    def __init__(self, folder: str, model: str) -> None:
        os.makedirs(folder, exist_ok=True)
        self.path = osp.join(folder, PREDICTIONS)
        self._model = model
        self._records: dict[str, dict] = {}
        if osp.isfile(self.path):
            self._read()
        self._numbers = {key: number for number, key in enumerate(self._records)}
        self._requested: Counter[str] = Counter()

    def _read(self) -> None:
        kept = 0
        with open(self.path, 'rb') as file:
            for line in file:
                try:
                    if not line.endswith(b'\n'):
                        raise ValueError('truncated')
                    record = json.loads(line)
                    self._records[record['key']] = record
                except (ValueError, KeyError, TypeError):
                    break  # A run was killed while it wrote.
                kept += len(line)
        if kept < osp.getsize(self.path):
            os.truncate(self.path, kept)

    def keys(self, path: str, values: Sequence[Any]) -> list[str]:
        """Return the keys of predictions of a video.

        A repeated request of one call has another key, and so files of its own.

        Args:
            path (str): Video file.
            values (Sequence): Query, or classes, of each prediction, for JSON.
        """
        identity = [self._model, list(fingerprint(path))]
        keys = []
        for value in values:
            text = json.dumps([*identity, value])
            self._requested[text] += 1
            text += str(self._requested[text])
            keys.append(hashlib.sha256(text.encode()).hexdigest()[:24])
        return keys

    def find(self, keys: Sequence[str]) -> list[dict] | None:
        """Return earlier predictions of a video, or None if one is missing."""
        if all(key in self._records for key in keys):
            return [self._records[key] for key in keys]
        return None

    def number(self, key: str) -> int:
        """Return the number of a prediction, which names its files in all runs."""
        return self._numbers.setdefault(key, len(self._numbers))

    def append(self, keys: Sequence[str], predictions: Sequence[dict]) -> None:
        """Write the predictions of one video that are not in the log.

        Raises:
            OSError: If the disk is full or the folder cannot be written.
        """
        records = {
            key: {'key': key, **one}
            for key, one in zip(keys, predictions)
            if key not in self._records
        }
        lines = ''.join(f'{json.dumps(record)}\n' for record in records.values())
        before = osp.getsize(self.path) if osp.isfile(self.path) else 0
        try:
            with open(self.path, 'ab') as file:
                file.write(lines.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            os.truncate(self.path, before)
            raise
        self._records.update(records)


def check_on_error(on_error: str) -> None:
    """Check the reaction to a bad video.

    Raises:
        ValueError: If ``on_error`` is neither ``'skip'`` nor ``'raise'``.
    """
    if on_error not in ('skip', 'raise'):
        raise ValueError(f"on_error must be 'skip' or 'raise', got {on_error!r}")


def report_failed(failed: dict[str, str], total: int) -> None:
    """Log the videos that could not be read.

    Args:
        failed (dict): Path -> reason.
        total (int): Number of videos.
    """
    if not failed:
        return
    lines = ''.join(f'\n  {reason}' for reason in failed.values())
    MMLogger.get_current_instance().warning(
        f'{len(failed)} of {total} videos were skipped:{lines}'
    )
