"""How salient is a clip? Small parts that DETR-like heads choose from."""

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.registry import MODELS
from mmvtg.structures import FusedFeatures


@MODELS.register_module()
class LinearSaliency(BaseModule):
    """One linear score a clip (Moment-DETR).

    Args:
        channels (int): C.
    """

    def __init__(self, channels: int = 256) -> None:
        super().__init__()
        self.proj = nn.Linear(channels, 1)

    def forward(self, fused: FusedFeatures) -> Tensor:
        """Scores (B, T) of ``clips`` (B, T, C)."""
        return self.proj(fused.clips).squeeze(-1)


@MODELS.register_module()
class SummarySaliency(BaseModule):
    """A clip is as salient as it is like the summary of the video (QD-DETR eq. 4).

    Args:
        channels (int): C.
    """

    def __init__(self, channels: int = 256) -> None:
        super().__init__()
        self.clip_proj = nn.Linear(channels, channels)
        self.summary_proj = nn.Linear(channels, channels)

    def forward(self, fused: FusedFeatures) -> Tensor:
        """Scores (B, T) of ``clips`` (B, T, C) and ``summary`` (B, C).

        Raises:
            ValueError: If the neck made no summary.
        """
        if fused.summary is None:
            raise ValueError('SummarySaliency needs a neck with summary_token=True')
        clips, summary = self.clip_proj(fused.clips), self.summary_proj(fused.summary)
        return (clips @ summary[..., None]).squeeze(-1) / clips.size(-1) ** 0.5


@MODELS.register_module()
class SumSaliency(BaseModule):
    """The sum of C linear scores a clip (TR-DETR).

    One score could say the same; C of them learn the square root of C times as fast.

    Args:
        channels (int): C.
    """

    def __init__(self, channels: int = 256) -> None:
        super().__init__()
        self.proj = nn.Linear(channels, channels)

    def forward(self, fused: FusedFeatures) -> Tensor:
        """Scores (B, T) of ``clips`` (B, T, C)."""
        return self.proj(fused.clips).sum(-1) / fused.clips.size(-1) ** 0.5
