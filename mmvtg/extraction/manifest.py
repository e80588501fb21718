"""What the note beside stored features says of the tower that made them."""

from importlib.metadata import version
from typing import Optional, Union

from torch import Tensor, nn

from mmvtg.version import __version__
from mmvtg.video.source import FrameSource


def describe_tower(
    tower: nn.Module, sample: Tensor, kind: str, autocast: Optional[str] = None
) -> dict:
    """What the manifests of videos and of queries both say.

    Args:
        tower (CLIPTower): Makes the features.
        sample (Tensor): (rows, ...), what is stored of one item.
        kind (str): ``video`` or ``query``.
        autocast (str, optional): Type in which it computes, if not float32.

    Returns:
        dict: Model, hash of the weights, layers (from 0), shape and type, versions.
    """
    packages = ('torch', 'open_clip_torch', 'decord', 'pillow', 'numpy')
    versions = {name: version(name) for name in packages}
    # what is at its default is not said: stores of earlier versions stay valid
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
    tower: nn.Module,
    sample: Tensor,
    source: FrameSource,
    fps: Union[float, str],
    autocast: Optional[str] = None,
) -> dict:
    """The manifest of video features.

    Args:
        tower (nn.Module): Makes the features.
        sample (Tensor): (rows, ...), what is stored of one item.
        source (FrameSource): How videos become frames.
        fps (float | str): Clips per second, or ``'auto'``.
        autocast (str, optional): Type in which it computes, if not float32.
    """
    rare = {} if source.sampling == 'start' else dict(sampling=source.sampling)
    if source.sampling == 'centred':
        rare.update(clip_frames=source.clip_frames, clip_rate=source.clip_rate)
    return dict(
        describe_tower(tower, sample, 'video', autocast),
        fps=fps,
        frame_size=source.size,
        resize='short side, bicubic, antialiased',
        crop='center',
        mean=[round(value, 6) for value in tower.mean.flatten().tolist()],
        std=[round(value, 6) for value in tower.std.flatten().tolist()],
        **rare,
    )


def query_manifest(
    tower: nn.Module, sample: Tensor, autocast: Optional[str] = None
) -> dict:
    """The manifest of query features; arguments as of :func:`describe_tower`."""
    rare = {} if getattr(tower, 'project_words', True) else dict(words='not projected')
    return dict(
        describe_tower(tower, sample, 'query', autocast),
        context_length=tower.context_length,
        **rare,
    )
