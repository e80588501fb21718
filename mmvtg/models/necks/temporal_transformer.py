"""Frames of a video that look at each other."""

from typing import Optional

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.models.layers import TransformerLayer
from mmvtg.registry import MODELS


@MODELS.register_module()
class TemporalTransformer(BaseModule):
    """Pre-norm transformer layers over frames (Efficient-Prompt, section 3.2).

    To each frame are added a learned code of its index and, where ``max_gap`` says so,
    one of the gap between the frames. The paper speaks of both, its authors' code has
    the index alone. There is no norm after the last layer: with the small weights of
    the start, frames come out nearly as CLIP made them.

    Args:
        channels (int): C.
        num_layers (int): Layers.
        num_heads (int): Heads of each.
        max_frames (int): T of the longest input.
        max_gap (int): Largest gap, source frames; 0: no code of the gap.
        init_std (float): Of all weights at the start (appendix of the paper).
    """

    def __init__(
        self,
        channels: int,
        num_layers: int = 2,
        num_heads: int = 8,
        max_frames: int = 16,
        max_gap: int = 0,
        init_std: float = 0.01,
    ) -> None:
        super().__init__()
        self.max_gap = max_gap
        self.position = nn.Embedding(max_frames, channels)
        self.gap = nn.Embedding(max_gap + 1, channels) if max_gap else None
        self.layers = nn.ModuleList(
            TransformerLayer(
                channels,
                num_heads,
                4 * channels,
                order=('self_attn', 'ffn'),
                pre_norm=True,
                activation='quick_gelu',
            )
            for _ in range(num_layers)
        )
        self.init_std = init_std
        self.init_weights()

    def init_weights(self) -> None:
        """Weights normal, mean 0; biases 0."""
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=self.init_std)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(
        self,
        frames: Tensor,
        mask: Optional[Tensor] = None,
        gap: Optional[Tensor] = None,
    ) -> Tensor:
        """Let frames look at each other.

        Args:
            frames (Tensor): (B, T, C).
            mask (Tensor, optional): (B, T) bool, True for real frames.
            gap (Tensor, optional): (B,) int64, source frames from one frame to the
                next; needed with ``max_gap``.

        Returns:
            Tensor: (B, T, C).

        Raises:
            ValueError: More frames, or a larger gap, than there are codes for.
        """
        length, most = frames.shape[1], self.position.num_embeddings
        if length > most:
            raise ValueError(
                f'{length} frames and max_frames of the temporal transformer is {most}'
            )
        frames = frames + self.position.weight[:length]
        if self.gap is not None:
            frames = frames + self.gap(self._checked(gap))[:, None]
        for layer in self.layers:
            frames = layer(frames, mask=mask)
        return frames

    def _checked(self, gap: Optional[Tensor]) -> Tensor:
        if gap is None:
            raise ValueError('the code of the gap needs the gaps of the frames')
        if gap.max() > self.max_gap:
            raise ValueError(
                f'a gap of {int(gap.max())} frames, and max_gap of the temporal '
                f'transformer is {self.max_gap}'
            )
        return gap
