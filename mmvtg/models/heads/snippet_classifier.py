"""Cosine between clips and class embeddings, background included (STALE eq. 7)."""

from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor


def classify_snippets(
    text: Tensor,
    clips: Tensor,
    foreground: Tensor,
    fill: str = 'background',
    weight: Optional[Tensor] = None,
    scale: float = 100.0,
) -> Tensor:
    """Logits of all classes at every clip.

    Args:
        text (Tensor): (B, K + 1, C), background last.
        clips (Tensor): (B, T, C).
        foreground (Tensor): (B, T) bool; what of the video is compared.
        fill (str): What stands for clips of the background: ``background``, the last
            row of ``text``, or ``zero``, which makes all their logits 0.
        weight (Tensor, optional): (B, T), a factor in the place of ``foreground``, so
            that a gradient reaches what chose it.
        scale (float): Inverse temperature.

    Returns:
        Tensor: (B, T, K + 1).
    """
    weight = foreground.to(clips.dtype) if weight is None else weight
    other = text[:, -1:] if fill == 'background' else torch.zeros_like(clips)
    x = other + weight.unsqueeze(-1) * (clips - other)
    return scale * F.normalize(x, dim=-1) @ F.normalize(text, dim=-1).transpose(1, 2)
