"""Reads the outputs of chosen tower layers, as R2-Tuning's neck wants them."""

from typing import List, Optional, Sequence

import torch
from torch import Tensor

from mmvtg.registry import MODELS

from .base import TowerContext, TowerHook


@MODELS.register_module()
class LayerTap(TowerHook):
    """Keeps all tokens of chosen layers: the raw residual stream, without final norm.

    Args:
        num_layers (int): How many of the last layers to keep.
        layers (Sequence[int], optional): Explicit layers instead, from 0; negative ones
            count from the end. Handed out from shallow to deep.
        storage_dtype (str, optional): Round what is kept to the type in which a
            feature store holds it, so that a model fed by the tower sees the numbers
            that it would see from the store. None keeps the tower's type.
    """

    only_taps = True

    def __init__(
        self,
        num_layers: int = 4,
        layers: Optional[Sequence[int]] = None,
        storage_dtype: Optional[str] = 'float16',
    ) -> None:
        super().__init__()
        if num_layers < 1 or (layers is not None and not len(layers)):
            raise ValueError(
                f'LayerTap: num_layers={num_layers}, layers={layers}: taps nothing'
            )
        if storage_dtype is not None and not isinstance(
            getattr(torch, storage_dtype, None), torch.dtype
        ):
            raise ValueError(
                f'LayerTap: storage_dtype {storage_dtype!r} is no torch dtype, want '
                "'float16', 'bfloat16', 'float32' or None"
            )
        self.num_layers = num_layers
        self.layers = None if layers is None else list(layers)
        self.storage_dtype = storage_dtype

    def tapped_layers(self, depth: int) -> List[int]:
        """Which layers are kept of a tower with ``depth`` layers, shallow to deep.

        Raises:
            ValueError: The tower is not deep enough.
        """
        wanted = self.layers or range(-self.num_layers, 0)
        if min(wanted) < -depth or max(wanted) >= depth:
            raise ValueError(
                f'LayerTap: wants layers {list(wanted)} of a tower that has {depth}; '
                'lower num_layers or name others in layers'
            )
        return sorted({index % depth for index in wanted})

    def after_layer(
        self,
        index: int,
        tokens: Tensor,
        rows: Optional[Tensor],
        context: TowerContext,
    ) -> Tensor:
        if index in self.tapped_layers(context.num_layers):
            kept = tokens
            if self.storage_dtype is not None:
                kept = tokens.to(getattr(torch, self.storage_dtype))
            context.layers.append(kept)
        return tokens
