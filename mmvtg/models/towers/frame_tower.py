"""A tower that says what it sees: the frames themselves, to be stored once."""

import hashlib
from typing import Dict, List, Tuple

import torch
from torch import Tensor, nn

from mmvtg.registry import MODELS


@MODELS.register_module()
class FrameTower(nn.Module):
    """Hands frames through as they were decoded.

    ``tools/extract_features.py`` with this tower makes a store of uint8 frames, (T, 3,
    H, W) a video, which is read by memory map: a training that looks at frames again
    and again then decodes nothing. Frames are scaled and cropped as for any tower.

    Args:
        chunk_size (int): Frames that are handed through at once.
    """

    couples_frames = False
    tapped_layers: List[int] = []

    def __init__(self, chunk_size: int = 256) -> None:
        super().__init__()
        self.chunk_size = chunk_size
        self.source = dict(model='frames')
        for name, value in (('mean', 0.0), ('std', 1.0)):
            self.register_buffer(name, torch.full((3, 1, 1), value), persistent=False)

    def weights_sha256(self) -> str:
        """Hash of no weights: there are none."""
        return hashlib.sha256(b'').hexdigest()

    def encode_runs(
        self, frames: Tensor, runs: Tensor
    ) -> Tuple[Tensor, List[Tensor], Dict[str, Tensor]]:
        """(N, 3, H, W) uint8 -> the same, no layers, and nothing else.

        Args:
            frames (Tensor): Frames of any videos.
            runs (Tensor): (N,) int64, not used: frames do not know each other.
        """
        return frames, [], {}
