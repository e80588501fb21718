"""The folder of recordings that golden tests read.

``MMVTG_GOLDEN_DIR`` names a folder with all recordings of the authors' code. Without
it, tests read the bundled ones in ``tests/data/golden``, which are a part of them.
``test_golden/recordings.json`` lists the files of both. A file that is listed and
missing is an error, so no golden test vanishes with its recording.
"""

import json
import os
from pathlib import Path

TESTS = Path(__file__).parent
BUNDLED = TESTS / 'data' / 'golden'
GOLDEN = Path(os.environ.get('MMVTG_GOLDEN_DIR') or BUNDLED)
LISTED = json.loads((TESTS / 'test_golden' / 'recordings.json').read_text())


def golden_folder(method: str) -> Path:
    """Return the folder with the recordings of a method.

    Raises:
        FileNotFoundError: If a listed file is missing.
    """
    kind, root = 'complete', GOLDEN
    if GOLDEN == BUNDLED or method not in LISTED[kind]:
        kind, root = 'bundled', BUNDLED  # Some recordings are only bundled.
    folder = root / method
    names = LISTED[kind].get(method, [])
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f'{folder} lacks recordings: {", ".join(missing)}. Unset MMVTG_GOLDEN_DIR '
            'to test with the bundled recordings, or let it name a complete folder'
        )
    return folder
