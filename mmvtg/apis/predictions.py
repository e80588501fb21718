"""Predictions as users get them: valid moments, written as they come, resumed."""

import hashlib
import json
import os
import os.path as osp
from collections.abc import Sequence
from typing import Any

from mmengine.logging import MMLogger
from mmengine.structures import InstanceData

from mmvtg.encoding.cache import fingerprint
from mmvtg.structures import GroundingDataSample

#: In the folder of a run: one JSON object per prediction.
PREDICTIONS = 'predictions.jsonl'
#: Shorter moments are none, seconds.
MIN_LENGTH = 1e-3
#: Bytes that file systems allow in a name, less room for what is appended.
_NAME_BYTES = 120


def keep_valid_moments(sample: GroundingDataSample) -> GroundingDataSample:
    """Clamp predicted moments into the video and drop those without a length.

    Heads round ends to the grid of their data set, which may pass the end of a video or
    leave nothing of a short moment.

    Args:
        sample (GroundingDataSample): With ``duration`` (seconds) and ``pred_moments``;
            it is changed in place.
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
    """File of the predictions of one run, which a second run goes on with.

    Predictions of one video appear together or not at all. One of another file, query
    or model is not reused.

    Args:
        folder (str): Folder of the run; is made.
        model (str): Identity of the model and its settings.
    """

    def __init__(self, folder: str, model: str) -> None:
        os.makedirs(folder, exist_ok=True)
        self.path = osp.join(folder, PREDICTIONS)
        self._model = model
        self._found: dict[str, dict] = {}
        if osp.isfile(self.path):
            self._read()

    def _read(self) -> None:
        kept = 0
        with open(self.path, 'rb') as file:
            for line in file:
                try:
                    if not line.endswith(b'\n'):
                        raise ValueError('cut off')
                    record = json.loads(line)
                    self._found[record['key']] = record
                except (ValueError, KeyError, TypeError):
                    break  # a run was killed while it wrote
                kept += len(line)
        if kept < osp.getsize(self.path):
            os.truncate(self.path, kept)

    def key(self, path: str, what: Any) -> str:
        """Return the identity of one prediction.

        Args:
            path (str): Video file.
            what (Any): Query, or classes and segment; JSON can hold it.
        """
        parts = [self._model, list(fingerprint(path)), what]
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:24]

    def find(self, keys: Sequence[str]) -> list[dict] | None:
        """Return earlier predictions of a video, or None if one is missing."""
        if all(key in self._found for key in keys):
            return [self._found[key] for key in keys]
        return None

    def append(self, keys: Sequence[str], predictions: Sequence[dict]) -> None:
        """Write the predictions of one video.

        Raises:
            OSError: If the disk is full or the folder cannot be written.
        """
        records = [{'key': key, **one} for key, one in zip(keys, predictions)]
        lines = ''.join(f'{json.dumps(record)}\n' for record in records)
        before = osp.getsize(self.path) if osp.isfile(self.path) else 0
        try:
            with open(self.path, 'ab') as file:
                file.write(lines.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            os.truncate(self.path, before)
            raise
        self._found.update({record['key']: record for record in records})


def check_on_error(on_error: str) -> None:
    """Check what a caller wants to happen with a bad video.

    Raises:
        ValueError: If it is neither ``'skip'`` nor ``'raise'``.
    """
    if on_error not in ('skip', 'raise'):
        raise ValueError(f"on_error must be 'skip' or 'raise', got {on_error!r}")


def report_failed(failed: dict[str, str], total: int) -> None:
    """Log the videos that could not be read."""
    if not failed:
        return
    lines = ''.join(f'\n  {reason}' for reason in failed.values())
    MMLogger.get_current_instance().warning(
        f'{len(failed)} of {total} videos were skipped:{lines}'
    )
