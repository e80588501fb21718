"""For each clip, the mask of the action instance that it belongs to."""

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.registry import MODELS


def apply_filters(
    features: Tensor, filters: Tensor, channels: int, num_layers: int = 3
) -> Tensor:
    """Run 1x1 convolutions whose filters differ from instance to instance.

    Args:
        features (Tensor): (..., N, C_in, T), what each of N instances reads.
        filters (Tensor): (..., N, S): of each instance all weights, layer by layer and
            row-major (out, in), then all biases.
        channels (int): Width between the layers. The last has one output.
        num_layers (int): Layers, ReLU between them.

    Returns:
        Tensor: (..., N, T) logits.
    """
    widths = [features.size(-2), *[channels] * (num_layers - 1), 1]
    pairs = list(zip(widths, widths[1:]))
    sizes = [into * out for into, out in pairs] + widths[1:]
    parts = filters.split(sizes, dim=-1)
    x = features
    for index, (into, out) in enumerate(pairs):
        weight = parts[index].unflatten(-1, (out, into))
        bias = parts[num_layers + index].unsqueeze(-1)
        x = weight @ x + bias
        if index < num_layers - 1:
            x = x.relu()
    return x.squeeze(-2)


def num_filter_values(in_channels: int, channels: int, num_layers: int = 3) -> int:
    """How many values the filters of an instance have."""
    widths = [in_channels, *[channels] * (num_layers - 1), 1]
    return sum(into * out + out for into, out in zip(widths, widths[1:]))


def relative_position(lengths: Tensor, size: int) -> Tensor:
    """How far clip i lies behind clip t, in videos: (B, T, T) [b, t, i].

    Args:
        lengths (Tensor): (B,) real clips.
        size (int): T, padding included.
    """
    place = torch.arange(size, device=lengths.device, dtype=torch.float32)
    return (place - place[:, None]) / lengths.float().view(-1, 1, 1)


@MODELS.register_module()
class DynamicMaskLocalizer(BaseModule):
    """Each clip makes filters, which find its instance in the video (STALE eq. 8).

    The filters of clip t (:func:`apply_filters`) read a few mask channels of every
    clip i and where i lies relative to t.

    Args:
        channels (int): C.
        mask_channels (int): Channels that filters read, and their width.
    """

    def __init__(self, channels: int, mask_channels: int = 8) -> None:
        super().__init__()
        self.mask_channels = mask_channels
        size = num_filter_values(mask_channels + 1, mask_channels)
        self.to_features = nn.Conv1d(channels, mask_channels, 1)
        self.to_filters = nn.Conv1d(channels, size, 3, padding=1)

    def forward(self, clips: Tensor, mask: Tensor) -> Tensor:
        """Masks of all clips.

        Args:
            clips (Tensor): (B, T, C).
            mask (Tensor): (B, T) bool.

        Returns:
            Tensor: (B, T, T) logits, [b, i, t]: does clip i belong to the instance of
            clip t?
        """
        x = clips.masked_fill(~mask.unsqueeze(-1), 0).transpose(1, 2)
        return self.run_filters(self.to_features(x), self.to_filters(x), mask)

    def run_filters(self, features: Tensor, filters: Tensor, mask: Tensor) -> Tensor:
        """Masks (B, T, T) by ``features`` (B, 8, T) and ``filters`` (B, S, T)."""
        size = mask.size(1)
        shared = features.unsqueeze(1).expand(-1, size, -1, -1)
        place = relative_position(mask.sum(1), size).to(features.dtype)
        x = torch.cat([shared, place.unsqueeze(2)], dim=2)
        masks = apply_filters(x, filters.transpose(1, 2), self.mask_channels)
        return masks.transpose(1, 2)


@MODELS.register_module()
class StaticMaskLocalizer(BaseModule):
    """Convolutions with one output channel a clip: STALE as released, and B-II.

    As released, an output stands for a place in the video. Convolutions do not know
    where they are, nor does an embedding without positions: such a localiser can learn
    no more than where instances lie on average. With ``relative``, outputs stand for
    distances from the clip.

    Args:
        channels (int): C.
        num_clips (int): T, the longest video. Shorter ones use the first outputs, or
            the shorter distances.
        relative (bool): 2 T - 1 outputs for distances, in place of T for places.
    """

    def __init__(self, channels: int, num_clips: int, relative: bool = False) -> None:
        super().__init__()
        self.num_clips = num_clips
        self.relative = relative
        outputs = 2 * num_clips - 1 if relative else num_clips
        self.conv_in = nn.Conv1d(channels, channels // 2, 3, padding=1)
        self.conv_out = nn.Conv1d(channels // 2, outputs, 1, bias=False)

    def forward(self, clips: Tensor, mask: Tensor) -> Tensor:
        """(B, T, C) to logits (B, T, T), [b, i, t].

        Raises:
            ValueError: More clips than outputs.
        """
        size = clips.size(1)
        if size > self.num_clips:
            raise ValueError(
                f'{size} clips, and StaticMaskLocalizer was made for '
                f'{self.num_clips}: set num_clips'
            )
        x = clips.masked_fill(~mask.unsqueeze(-1), 0).transpose(1, 2)
        out = self.conv_out(self.conv_in(x).relu())
        if not self.relative:
            return out[:, :size]
        place = torch.arange(size, device=clips.device)
        distance = place[:, None] - place + self.num_clips - 1  # [i, t], from 0
        return out.gather(1, distance.expand(len(out), -1, -1))
