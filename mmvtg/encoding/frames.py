"""Clips of frames -> features, as a feature store holds them."""

from typing import Any

import torch
from torch import Tensor

from .tower_output import stack_layers

BATCH_FRAMES = 256  # frames per batch, where nothing else is given


class FrameEncoder:
    """A vision tower and the precision in which it runs.

    Args:
        tower (nn.Module): Vision tower in ``eval``, such as :class:`CLIPVisionTower`:
            ``encode_runs`` encodes clips, ``chunk_size`` of them at once;
            ``couples_frames`` tells whether hooks let a frame depend on its neighbors,
            up to ``margin`` frames away; ``mean`` is on its device.
        frames_per_clip (int): Frames of each clip.
        dtype (str, optional): Type of the result; default: see :func:`stack_layers`.
        autocast (str, optional): ``bfloat16`` or ``float16``: compute in it where that
            is safe. Default: float32.
        batch_frames (int): Most frames that are computed at once.
    """

    def __init__(
        self,
        tower: Any,
        frames_per_clip: int = 1,
        dtype: str | None = None,
        autocast: str | None = None,
        batch_frames: int = BATCH_FRAMES,
    ) -> None:
        self.tower, self.dtype, self.autocast = tower, dtype, autocast
        self.couples_frames: bool = tower.couples_frames
        self.margin: int | None = getattr(tower, 'margin', None)
        #: Clips that are computed at a time, always.
        self.unit: int = max(1, min(tower.chunk_size, batch_frames // frames_per_clip))

    @property
    def device(self) -> torch.device:
        """Device of the tower."""
        return self.tower.mean.device

    @torch.inference_mode()
    def __call__(self, clips: Tensor, motion: Tensor | None = None) -> Tensor:
        """Encode clips of one run.

        Args:
            clips (Tensor): (n, 3, H, W) or (n, F, 3, H, W) uint8.
            motion (Tensor, optional): (n, V), which the tower's hooks read.

        Returns:
            Tensor: (n, ...) on the CPU, as a feature store holds it.
        """
        device = self.device
        clips = clips.to(device)
        runs = torch.zeros(len(clips), dtype=torch.int64, device=device)
        inputs = [] if motion is None else [dict(motion=motion.to(device))]
        with precision(device, self.autocast):
            pooled, layers, _ = self.tower.encode_runs(clips, runs, *inputs)
        return stack_layers(layers, pooled, self.dtype).cpu()


def precision(device: torch.device, autocast: str | None) -> torch.autocast:
    """Return the context in which towers compute."""
    dtype = getattr(torch, autocast or 'bfloat16')
    return torch.autocast(device.type, dtype, autocast is not None)
