"""What the metafiles say of models.

The metafiles are those that ``mim`` reads (``model-index.yml``). Beside mim's fields a
model may have:

- ``Weights``: what mmvtg loads as it is: ``https://...``, ``file:///...``, or
  ``package:PATH``, a file inside of the installed package;
- ``Weights SHA256``: their hash, or its first digits;
- ``Converted From``: checkpoints that the authors of the method released, each with
  ``Name``, ``Code``, ``License``, ``Converter``, and ``Weights`` with ``SHA256``, or
  ``Page`` where they can only be had with a browser.
"""

import difflib
import fnmatch
import os.path as osp
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Dict, List, Optional, Tuple

import yaml
from mmengine.infer import BaseInferencer

#: What a metafile says where authors publish no hash.
NO_HASH = 'not published'


@dataclass(frozen=True)
class Release:
    """A checkpoint of the authors of a method, in their own layout.

    Args:
        name (str): Which one, as ``MODEL@name``.
        converter (str): Tool that gives it mmvtg's layout, from the root.
        code (str): Their repository.
        license (str): Of the repository.
        weights (str, optional): URL of the file.
        page (str, optional): Page where a person can download it, if there is no URL.
        sha256 (str, optional): Hash or its first digits; None if none is published.
    """

    name: str
    converter: str
    code: str
    license: str
    weights: Optional[str] = None
    page: Optional[str] = None
    sha256: Optional[str] = None


@dataclass(frozen=True)
class ModelEntry:
    """What the metafiles say of a model.

    Args:
        name (str): As in the metafile.
        config (str): Path of the config file.
        collection (str): The method.
        metadata (dict): Batch size, epochs, training data, ...
        results (list[dict]): Measured here.
        weights (str, optional): ``https:``, ``file:`` or ``package:``.
        sha256 (str, optional): Hash of the weights or its first digits.
        releases (tuple[Release]): Of the authors.
    """

    name: str
    config: str
    collection: str
    metadata: dict = field(default_factory=dict)
    results: list = field(default_factory=list)
    weights: Optional[str] = None
    sha256: Optional[str] = None
    releases: Tuple[Release, ...] = ()


def list_models(pattern: str = '*') -> List[str]:
    """Names of the models in the metafiles that ``model-index.yml`` lists.

    Args:
        pattern (str): With ``*`` and ``?``, in any case.
    """
    return sorted(fnmatch.filter(_entries(root()), pattern.lower()))


def get_model(name: str) -> ModelEntry:
    """What the metafiles say of a model.

    Args:
        name (str): In any case, with or without ``.py`` or ``@release``.

    Raises:
        ValueError: No such model; near names are in the message.
    """
    models = _entries(root())
    wanted = name.lower().partition('@')[0].removesuffix('.py')
    if wanted in models:
        return models[wanted]
    near = [model for model in models if wanted in model][:5]
    near = near or difflib.get_close_matches(wanted, models, n=3, cutoff=0.3)
    hint = f'did you mean {" or ".join(near)}? ' if near else ''
    raise ValueError(
        f'{name!r} is neither a config file nor the name of a model; {hint}'
        'VTGInferencer.list_models() names them all'
    )


def is_published(name: str) -> bool:
    """Whether a model has weights, or its authors released some.

    Raises:
        ValueError: No such model.
    """
    entry = get_model(name)
    return bool(entry.weights or entry.releases or '@' in name)


def root() -> str:
    """The folder of ``configs``: the sources', or that inside of the package."""
    return BaseInferencer._get_repo_or_mim_dir('mmvtg')


@lru_cache(maxsize=4)
def _entries(folder: str) -> Dict[str, ModelEntry]:
    """Name or alias, in small letters -> what the metafiles below a folder say."""
    found: Dict[str, ModelEntry] = {}
    for path in _read(osp.join(folder, 'model-index.yml'))['Import']:
        for model in _read(osp.join(folder, path))['Models']:
            entry = _entry(model, folder)
            aliases = model.get('Alias') or []
            aliases = [aliases] if isinstance(aliases, str) else aliases
            for name in (entry.name, *aliases):
                found[name.lower()] = entry
    return found


def _read(path: str) -> dict:
    with open(path, encoding='utf-8') as file:
        return yaml.safe_load(file)


def _entry(model: dict, folder: str) -> ModelEntry:
    weights = model.get('Weights')
    if isinstance(weights, list):
        weights = weights[0] if weights else None
    releases = tuple(
        Release(
            name=item['Name'],
            converter=item['Converter'],
            code=item['Code'],
            license=item['License'],
            weights=item.get('Weights'),
            page=item.get('Page'),
            sha256=_hash(item.get('SHA256')),
        )
        for item in model.get('Converted From', ())
    )
    return ModelEntry(
        name=model['Name'],
        config=osp.join(folder, model['Config']),
        collection=model['In Collection'],
        metadata=model.get('Metadata') or {},
        results=model.get('Results') or [],
        weights=weights,
        sha256=_hash(model.get('Weights SHA256')),
        releases=releases,
    )


def _hash(value: Optional[str]) -> Optional[str]:
    return None if value in (None, NO_HASH) else str(value)
