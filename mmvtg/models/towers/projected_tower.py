"""Stored tokens brought into the space that images and sentences share."""

from typing import Any, Dict, Optional

import torch
from torch import Tensor, nn

from mmvtg.registry import MODELS
from mmvtg.structures import VideoFeatures

from .clip_weights import build_clip
from .stored_feature_tower import StoredFeatureTower


@MODELS.register_module()
class ProjectedFeatureTower(StoredFeatureTower):
    """Stored layers of CLIP's image tower, with its frozen final norm and projection.

    Its weights are not in ``state_dict()``: they come from ``pretrained``.

    Args:
        model (str): open_clip's name of the model that made the store.
        pretrained (str, optional): See :func:`build_clip`. None: random weights.
        num_layers (int, optional): Use only the last so many stored layers.
    """

    def __init__(
        self,
        model: str,
        pretrained: Optional[str] = None,
        num_layers: Optional[int] = None,
    ) -> None:
        super().__init__(modality='video', num_layers=num_layers)
        visual = build_clip(model, pretrained).visual
        self.norm: nn.Module = visual.ln_post.requires_grad_(False)
        self.register_buffer('proj', visual.proj.detach(), persistent=False)
        self._register_state_dict_hook(_leave_out)
        self._register_load_state_dict_pre_hook(_fill_in, with_module=True)

    def forward(self, features: Tensor, mask: Tensor) -> VideoFeatures:
        """As :class:`StoredFeatureTower`, and ``clips`` (B, T, embed_dim).

        They are the class tokens of the last layer, not normalised. Vectors that are
        stored alone, (B, T, C), are taken for what is projected already.
        """
        video = super().forward(features, mask)
        if video.layers:
            video.clips = self.project(video.layers[-1][:, :, 0])
        return video

    def project(self, tokens: Tensor) -> Tensor:
        """Final norm and projection, (..., width) to (..., embed_dim)."""
        with torch.no_grad():
            return self.norm(tokens.to(self.proj.dtype)) @ self.proj


def _leave_out(module: nn.Module, state: Dict, prefix: str, metadata: Any) -> None:
    for key in [key for key in state if key.startswith(f'{prefix}norm.')]:
        del state[key]


def _fill_in(module: nn.Module, state: Dict, prefix: str, *unused: Any) -> None:
    for key, value in module.norm.state_dict(prefix=f'{prefix}norm.').items():
        state.setdefault(key, value)
