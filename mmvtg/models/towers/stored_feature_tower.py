"""Stored features in the place of a tower."""

from typing import Optional, Union

from mmengine.model import BaseModule
from torch import Tensor

from mmvtg.registry import MODELS
from mmvtg.structures import QueryFeatures, VideoFeatures

# modality -> axes of stored layers, of which axis 2 counts the layers
_LAYERED = {'video': '(B, T, N, P, C)', 'text': '(B, L, N, C)'}


@MODELS.register_module()
class StoredFeatureTower(BaseModule):
    """Hands out stored features as the tower that made them would.

    No copy and no cast is made: layers are views, in the type of the store (float16).

    Args:
        modality (str): ``video`` or ``text``.
        num_layers (int, optional): Use only the last so many stored layers.
    """

    def __init__(self, modality: str, num_layers: Optional[int] = None) -> None:
        super().__init__()
        if modality not in _LAYERED:
            raise ValueError(f"modality is {modality!r}, want 'video' or 'text'")
        if num_layers is not None and num_layers < 1:
            raise ValueError(f'num_layers is {num_layers}, want 1 or more, or None')
        self.modality = modality
        self.num_layers = num_layers

    def forward(
        self, features: Tensor, mask: Tensor
    ) -> Union[VideoFeatures, QueryFeatures]:
        """Sort stored features into the fields that necks read.

        Args:
            features (Tensor): Layers, video (B, T, N, P, C) or text (B, L, N, C); or
                one vector a position, (B, T, C) or (B, L, C).
            mask (Tensor): (B, T) or (B, L) bool.

        Returns:
            VideoFeatures | QueryFeatures: ``layers`` (N of them), or ``clips`` /
            ``words``.

        Raises:
            ValueError: Another number of axes, or fewer layers than ``num_layers``.
        """
        kind = VideoFeatures if self.modality == 'video' else QueryFeatures
        layout = _LAYERED[self.modality]
        if features.dim() == 3:
            name = 'clips' if self.modality == 'video' else 'words'
            return kind(mask=mask, **{name: features})
        if features.dim() != layout.count(',') + 1:
            raise ValueError(
                f'stored {self.modality} features are {tuple(features.shape)}, want '
                f'{layout} or three axes; do the data pipeline and the tower agree?'
            )
        layers = features.unbind(2)
        wanted = self.num_layers or len(layers)
        if wanted > len(layers):
            raise ValueError(
                f'num_layers is {wanted} and the store holds {len(layers)} layers: '
                'lower it, or extract more layers'
            )
        return kind(mask=mask, layers=list(layers[-wanted:]))
