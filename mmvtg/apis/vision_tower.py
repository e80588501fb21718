"""What inferencers ask of a vision tower."""

from typing import Protocol, Sequence, Tuple

import torch
from torch import Tensor

from mmvtg.extraction.tower_output import stack_layers


class VisionTower(Protocol):
    """What a vision tower must have to be streamed, such as ``CLIPVisionTower``.

    Attributes:
        chunk_size (int): Frames that it works on at once.
        mean (Tensor): Of the colours; tells on which device the tower is.
    """

    chunk_size: int
    mean: Tensor

    def encode_runs(
        self, frames: Tensor, runs: Tensor
    ) -> Tuple[Tensor, Sequence[Tensor], dict]:
        """Frames (T, 3, H, W) of runs (T,) -> (T, C), tapped layers, hooks' outputs."""


@torch.inference_mode()
def encode_frames(tower: VisionTower, frames: Tensor) -> Tensor:
    """Run a tower: (T, 3, H, W) uint8 -> (T, ...) as a feature store holds it.

    Clips of several frames are (T, F, 3, H, W). The result stays on the tower's device.
    """
    frames = frames.to(tower.mean.device)
    runs = torch.zeros(len(frames), dtype=torch.int64, device=frames.device)
    pooled, layers, _ = tower.encode_runs(frames, runs)
    return stack_layers(layers, pooled)
