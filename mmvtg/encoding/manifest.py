"""Descriptions of towers: manifests of feature stores, and their comparison."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from torch import Tensor

from mmvtg.datasets.store_manifest import complete_manifest
from mmvtg.version import __version__
from mmvtg.video.clips import FrameSource


def describe_tower(
    tower: Any, sample: Tensor, kind: str, autocast: str | None = None
) -> dict:
    """Return the fields that manifests of videos and of queries share.

    Args:
        tower (CLIPTower): Tower that makes the features.
        sample (Tensor): (rows, ...) stored features of one item.
        kind (str): ``video`` or ``query``.
        autocast (str, optional): Type in which the tower computes; default float32.

    Returns:
        dict: Model, hash of the weights, layers (from 0), shape and type, versions.
    """
    packages = ('torch', 'open_clip_torch', 'av', 'pillow', 'numpy')
    versions = {name: version(name) for name in packages}
    # Defaults are left out, so that stores of earlier versions stay valid.
    rare = {} if autocast is None else dict(autocast=autocast)
    if hasattr(tower, 'describe_hooks'):
        rare.update(tower.describe_hooks())
    return dict(
        kind=kind,
        **tower.source,
        weights_sha256=tower.weights_sha256(),
        layers=tower.tapped_layers,
        row_shape=list(sample.shape[1:]),
        dtype=str(sample.dtype).removeprefix('torch.'),
        versions=dict(versions, mmvtg=__version__),
        **rare,
    )


def video_manifest(
    tower: Any,
    sample: Tensor,
    source: FrameSource,
    fps: float | str,
    autocast: str | None = None,
) -> dict:
    """Return the manifest of video features.

    Args:
        tower (nn.Module): Tower that makes the features.
        sample (Tensor): (rows, ...) stored features of one item.
        source (FrameSource): Sampling of frames.
        fps (float | str): Clips per second, or ``'auto'``.
        autocast (str, optional): Type in which the tower computes; default float32.
    """
    return dict(
        describe_tower(tower, sample, 'video', autocast),
        fps=fps,
        resize='short side, bicubic, antialiased',
        crop='center',
        mean=[round(value, 6) for value in tower.mean.flatten().tolist()],
        std=[round(value, 6) for value in tower.std.flatten().tolist()],
        **source.describe(),
    )


def query_manifest(tower: Any, sample: Tensor, autocast: str | None = None) -> dict:
    """Return the manifest of query features; see :func:`describe_tower`."""
    rare = {} if getattr(tower, 'project_words', True) else dict(words='not projected')
    return dict(
        describe_tower(tower, sample, 'query', autocast),
        context_length=tower.context_length,
        **rare,
    )


#: Fields of manifests that change what features mean.
_MEANING = (
    'model',
    'weights_sha256',
    'hooks',
    'hooks_sha256',
    'sampling',
    'clip_frames',
    'clip_rate',
    'frame_size',
    'fps',
    'mean',
    'std',
    'slow_frames',
    'words',
    'context_length',
)


def meaning_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a manifest that change what features mean."""
    return {key: manifest[key] for key in _MEANING if key in manifest}


def refuse_other_features(
    name: str, trained: Mapping[str, Any], own: Mapping[str, Any]
) -> None:
    """Refuse towers that make other features than a checkpoint was trained on.

    Args:
        name (str): The stream, or ``query``.
        trained (Mapping): Manifest of the store that the checkpoint was trained on.
        own (Mapping): Manifest of what the config's tower makes.

    Raises:
        ValueError: Both descriptions are in the message.
    """
    there = meaning_of(complete_manifest(trained))
    here = meaning_of(complete_manifest(own))
    differ = [key for key in sorted({*there, *here}) if there.get(key) != here.get(key)]
    if 'auto' in (there.get('fps'), here.get('fps')):
        differ = [key for key in differ if key != 'fps']
    if differ:
        lines = [f'{key}: {there.get(key)!r} / {here.get(key)!r}' for key in differ]
        raise ValueError(
            f'the checkpoint was trained on other {name} features than the tower of '
            f'this config makes (trained on / made here): {"; ".join(lines)}. Use the '
            'config that it was trained with, or correct encoding.streams'
        )
