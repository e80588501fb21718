"""Which class has each snippet of a video, and to which instance does it belong?"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class SnippetTargets:
    """Targets of a batch.

    Args:
        classes (Tensor): (B, T) int64, K for background.
        masks (Tensor): (B, T, T) bool, [b, i, t]: clip i lies in clip t's instance.
        foreground (Tensor): (B, T) bool.
    """

    classes: Tensor
    masks: Tensor
    foreground: Tensor


def snippet_targets(
    spans: Tensor, labels: Tensor, length: float, num_snippets: int, num_classes: int
) -> SnippetTargets:
    """Targets of one video (STALE, "label assignment").

    Snippet t stands for time (t + 0.5) / T of the video. An instance without a snippet
    inside takes the one at its centre. Where instances overlap, the shorter one rules.

    Args:
        spans (Tensor): (N, 2) instances, s. What lies outside of the video is cut off;
            an instance of which nothing is left is not used.
        labels (Tensor): (N,) int64 in [0, K).
        length (float): Of what the snippets cover, s.
        num_snippets (int): T.
        num_classes (int): K.

    Returns:
        SnippetTargets: Without the batch axis.
    """
    share = (spans.double() / length).clamp(0, 1)
    widths = share[:, 1] - share[:, 0]
    place = torch.arange(num_snippets, device=spans.device).double()
    place = (place + 0.5) / num_snippets
    classes = torch.full((num_snippets,), num_classes, device=spans.device)
    masks = torch.zeros(
        num_snippets, num_snippets, dtype=torch.bool, device=spans.device
    )
    foreground = torch.zeros(num_snippets, dtype=torch.bool, device=spans.device)
    for index in widths.argsort(descending=True, stable=True).tolist():
        start, end = share[index]
        if end <= start:
            continue
        inside = (place >= start) & (place < end)
        if not inside.any():
            centre = int((start + end) / 2 * num_snippets)
            inside[min(centre, num_snippets - 1)] = True
        classes[inside] = labels[index]
        masks[:, inside] = inside[:, None]
        foreground |= inside
    return SnippetTargets(classes, masks, foreground)
