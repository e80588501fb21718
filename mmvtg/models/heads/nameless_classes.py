"""Class embeddings that know nothing of language: an ablation."""

import hashlib
from typing import List, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from mmvtg.registry import MODELS


@MODELS.register_module()
class NamelessClasses(BaseModule):
    """A fixed random direction for each class name (STALE, table 5, no text encoder).

    A class that was not trained on can only be hit by chance.

    Args:
        channels (int): C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.class_names: List[str] = []
        self.register_buffer('device_of', torch.zeros(()), persistent=False)

    def set_classes(self, names: Sequence[str]) -> None:
        """Say which classes there are."""
        self.class_names = list(names)

    def class_features(self) -> Tensor:
        """(K, C) of unit length, the same for a name in every run."""
        rows = []
        for name in self.class_names:
            seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], 'big')
            generator = torch.Generator().manual_seed(seed)
            rows.append(torch.randn(self.channels, generator=generator))
        return F.normalize(torch.stack(rows), dim=-1).to(self.device_of.device)
