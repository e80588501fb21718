"""The note beside stored features that says how they were made."""

import json
import os
import os.path as osp
import tempfile
from typing import Any, Dict, List, Mapping, Optional

from .errors import BadSampleError

#: Lies beside extracted features and says how they were made.
MANIFEST = 'manifest.json'
# Said for the record; features made with other versions, or with the same weights from
# another place, are the same features.
_FREE = ('versions', 'pretrained')


def read_manifest(folder: str) -> Optional[Dict[str, Any]]:
    """What a feature folder says about how it was made, or None if it says nothing.

    Raises:
        BadSampleError: The file is not a JSON object.
    """
    path = osp.join(folder, MANIFEST)
    if not osp.isfile(path):
        return None
    try:
        with open(path, encoding='utf-8') as file:
            manifest = json.load(file)
        if not isinstance(manifest, dict):
            raise ValueError('not a JSON object')
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are some
        raise BadSampleError(
            f'{path} is damaged ({error}); delete the folder and extract again'
        ) from error
    return manifest


def differences(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> List[str]:
    """What two manifests say differently, with both values.

    Args:
        present (dict): Of the store.
        wanted (dict): Of whoever wants to use it.

    Returns:
        list[str]: One line a key; empty if both describe the same features.
    """
    present, wanted = complete_manifest(present), complete_manifest(wanted)
    return [
        f'{key}: there {present.get(key)!r}, now {wanted.get(key)!r}'
        for key in sorted(present.keys() | wanted.keys())
        if key not in _FREE and present.get(key) != wanted.get(key)
    ]


def complete_manifest(manifest: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a manifest with the fields that earlier versions left out.

    They wrote only what differed from the defaults of their time.
    """
    if manifest.get('kind') != 'video' or 'weights_sha256' not in manifest:
        return dict(manifest)
    sampling = manifest.get('sampling', 'start')
    last_clip = 'padded' if sampling == 'dense' else 'dropped'
    return dict(dict(sampling=sampling, last_clip=last_clip, hooks=[]), **manifest)


def claim_folder(folder: str, manifest: Dict[str, Any]) -> None:
    """Write the manifest into a folder, or see that it is already the same.

    Of several processes that claim an empty folder at once, one writes and the others
    compare.

    Args:
        folder (str): Feature folder; is made.
        manifest (dict): What is going to be written there.

    Raises:
        ValueError: The folder holds features that were made otherwise. Both values are
            in the message.
    """
    manifest = json.loads(json.dumps(manifest))  # tuples become lists, as when read
    if read_manifest(folder) is None:
        if osp.isdir(folder) and any(n.endswith('.npy') for n in os.listdir(folder)):
            raise ValueError(
                f'{folder} holds features without a {MANIFEST}; they may be of another '
                'model. Extract into another folder, or move them away'
            )
        data = json.dumps(manifest, indent=2, sort_keys=True).encode()
        _write_once(osp.join(folder, MANIFEST), data)
    differ = differences(read_manifest(folder), manifest)
    if differ:
        raise ValueError(
            f'{folder} holds features that were made otherwise ({"; ".join(differ)}); '
            'extract into another folder, or delete that one'
        )


def _write_once(path: str, data: bytes) -> None:
    """Write a whole file unless somebody else was faster."""
    folder = osp.dirname(path)
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix='.manifest.')
    try:
        with os.fdopen(handle, 'wb') as file:
            file.write(data)
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.link(temporary, path)  # unlike a rename, this never replaces
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)
