"""Features as a store holds them, from the output of a tower."""

from collections.abc import Sequence

import torch
from mmengine.registry import Registry
from torch import Tensor, nn

from mmvtg.models.tower_hooks import LayerTap


def prepare_tower(
    tower: dict | nn.Module | None,
    device: str,
    storage_dtype: str | None,
    registry: Registry,
) -> nn.Module | None:
    """Build a tower for inference, unless it is built already.

    Args:
        tower (dict | nn.Module, optional): The tower.
        device (str): Device of the tower.
        storage_dtype (str, optional): Type that its taps keep; default is their own.
        registry (Registry): Registry of models.
    """
    if tower is None:
        return None
    if isinstance(tower, dict):
        tower = registry.build(tower)
    assert isinstance(tower, nn.Module)
    for hook in getattr(tower, 'hooks', ()):
        if storage_dtype is not None and isinstance(hook, LayerTap):
            hook.storage_dtype = storage_dtype
    return tower.to(device).eval()


def stack_layers(
    layers: Sequence[Tensor], pooled: Tensor | None, dtype: str | None = None
) -> Tensor:
    """Return the tapped layers of a tower, or else one vector per row.

    Args:
        layers (Sequence[Tensor]): N of (rows, ..., C).
        pooled (Tensor, optional): (rows, C); needed where no layer is tapped.
        dtype (str, optional): Type of the result; default is that of the layers, and
            float16 for pooled vectors. Frames (uint8) stay what they are.

    Returns:
        Tensor: (rows, N, ..., C), or (rows, C).

    Raises:
        ValueError: If there are neither layers nor vectors.
    """
    if not layers:
        if pooled is None:
            raise ValueError(
                'the tower has neither tapped layers nor a vector per row: add a '
                'LayerTap to its hooks, or let it pool'
            )
        is_frames = pooled.dtype == torch.uint8
        return pooled if is_frames else pooled.to(getattr(torch, dtype or 'float16'))
    out = layers[0].new_empty(len(layers[0]), len(layers), *layers[0].shape[1:])
    for index, layer in enumerate(layers):
        out[:, index] = layer
    return out if dtype is None else out.to(getattr(torch, dtype))
