"""The R2 block: frozen CLIP layers read one by one, deep to shallow."""

from typing import Optional, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.models.layers import TokenMLP, TransformerLayer, masked_max, sine_position
from mmvtg.registry import MODELS
from mmvtg.structures import FusedFeatures, QueryFeatures, StepFeatures, VideoFeatures

from .patch_attention import attend_patches
from .sharing import Sharing


@MODELS.register_module()
class R2Block(BaseModule):
    """Recurrent refinement of clip features over the last K tower layers (R2-Tuning).

    Step k reads layer K - k of both towers (deepest first): words pool the patches of
    each frame, the pooled vector joins the class token, a gate mixes in the hidden
    state of the step before, and one transformer layer looks at the words and along
    time. All steps share their weights but two scalars.

    With ``spatial_pooling=False`` and ``num_steps=1`` only the class tokens and the
    words of the last layer are read: the same heads can then be trained without the
    block's two ideas.

    Args:
        video_dims (int): Width of the vision tower's tokens.
        query_dims (int): Width of the text tower's tokens.
        channels (int): C, hidden width.
        num_steps (int): K. Towers may hand out more layers; the last K are read.
        num_heads (int): Of the transformer layer.
        ffn_ratio (int): Hidden width of the transformer layer's feed-forward part, as a
            multiple of ``channels``.
        dropout (float): Of the two MLPs.
        drop_path (float): Of the transformer layer.
        use_tef (bool): Tell each token where its frame begins and ends, as fractions of
            the video (temporal endpoint feature).
        spatial_pooling (bool): Pool patches; else class tokens alone.
        init_scale (float): Start of the scalars that admit pooled patches (eq. 6). At
            the authors' 0 nothing of the attention has a gradient until they have
            moved, which takes longer than a short training lasts.
        official_padding (bool): Parity with the authors' code, where features depend on
            batch mates: fractions and positions are of the padded length, and padded
            words take part in the maximum of eq. 5.
    """

    def __init__(
        self,
        video_dims: int = 768,
        query_dims: int = 512,
        channels: int = 256,
        num_steps: int = 4,
        num_heads: int = 8,
        ffn_ratio: int = 4,
        dropout: float = 0.5,
        drop_path: float = 0.1,
        use_tef: bool = True,
        spatial_pooling: bool = True,
        init_scale: float = 0.0,
        official_padding: bool = False,
    ) -> None:
        super().__init__()
        if num_steps < 1:
            raise ValueError(f'R2Block: num_steps = {num_steps}, want 1 or more')
        self.num_steps = num_steps
        self.use_tef = use_tef
        self.spatial_pooling = spatial_pooling
        self.official_padding = official_padding
        self.video_mlp = TokenMLP(video_dims + 2 * use_tef, channels, dropout)
        self.query_mlp = TokenMLP(query_dims, channels, dropout)
        if spatial_pooling:
            self.video_proj = nn.Linear(channels, channels)
            self.query_proj = nn.Linear(channels, channels)
            # It shifts all patches alike and leaves the softmax: kept for checkpoints.
            self.video_proj.bias.requires_grad_(False)
            self.pool_scale = nn.Parameter(torch.full((num_steps,), float(init_scale)))
        if num_steps > 1:
            self.gate = nn.Parameter(torch.zeros(num_steps - 1))
        self.layer = TransformerLayer(
            channels,
            num_heads,
            ffn_ratio * channels,
            order=('cross_attn', 'self_attn', 'ffn'),
            drop_path=drop_path,
        )

    shares_videos = True

    def forward(self, video: VideoFeatures, query: QueryFeatures) -> FusedFeatures:
        """Fuse. The patches of a video that several queries share are read once.

        Args:
            video (VideoFeatures): ``layers`` of (V, T, P, video_dims), at least K; a
                row a sample, or ``owners``.
            query (QueryFeatures): ``layers`` of (B, L, query_dims), at least K.

        Returns:
            FusedFeatures: Clips (B, T, C), words (B, L, C) of the last step, and clips
            and words of each step.

        Raises:
            ValueError: If a tower hands out fewer than K layers.
        """
        self._check(video, query)
        length, size = video.mask.sum(1), video.mask.size(1)
        if self.official_padding:  # parity: the padded length, whatever is real
            length = torch.full_like(length, size)
        extra = endpoints(length, size) if self.use_tef else None
        sharing = Sharing(video.owners, video.mask.size(0))
        mask = sharing.spread(video.mask)
        position = sine_position(
            sharing.spread(length), size, self.query_mlp.linear_out.out_features
        )
        hidden, steps = None, []
        # parameters of a step are indexed by its layer, so the first step has the last
        for i in reversed(range(self.num_steps)):
            tokens = video.layers[i - self.num_steps]
            words = self.query_mlp(self._cast(query.layers[i - self.num_steps]))
            clips, pooled = self.read_frames(tokens, extra, words, query.mask, sharing)
            steps.append(StepFeatures(clips=clips, words=words))
            state = clips
            if pooled is not None:
                state = clips + self.pool_scale[i].tanh() * pooled
            if hidden is not None:
                gate = self.gate[i].sigmoid()
                state = gate * state + (1 - gate) * hidden
            hidden = self.layer(
                state, words, mask, query.mask, position.to(state.dtype)
            )
        return FusedFeatures(
            clips=hidden,
            mask=mask,
            words=words,
            words_mask=query.mask,
            steps=steps,
        )

    def read_frames(
        self,
        tokens: Tensor,
        extra: Optional[Tensor],
        words: Tensor,
        mask: Tensor,
        sharing: Sharing,
    ) -> Tuple[Tensor, Optional[Tensor]]:
        """Class token and query-aware pooled vector of each frame (eq. 2 to 5).

        Args:
            tokens (Tensor): (V, T, P, video_dims).
            extra (Tensor, optional): (V, T, 2), temporal endpoints.
            words (Tensor): (B, L, C).
            mask (Tensor): (B, L) bool.
            sharing (Sharing): Which sample asks which video.

        Returns:
            tuple[Tensor, Tensor | None]: (B, T, C) each; None without spatial pooling.
        """
        mlp = self.video_mlp
        if not self.spatial_pooling:
            cls = self._cast(tokens[:, :, 0])
            cls = mlp(cls if extra is None else torch.cat([cls, extra], -1))
            return sharing.spread(cls), None
        asked = self.query_proj(words) / words.size(-1) ** 0.5
        keys = asked @ self.video_proj.weight @ mlp.linear_out.weight
        pooled, cls = attend_patches(tokens, extra, sharing.gather(keys), mlp)
        pooled = sharing.scatter(pooled, words.size(1))
        pooled = mlp.linear_out(pooled) + words.unsqueeze(1)
        # parity: the authors' maximum runs over padded words too
        keep = None if self.official_padding else mask[:, None, :, None]
        cls = sharing.spread(mlp.linear_out(cls))
        return cls, masked_max(pooled, keep, dim=2)

    def _cast(self, x: Tensor) -> Tensor:
        """Stored features are float16; parameters say what to compute in."""
        return x.to(self.video_mlp.linear_in.weight.dtype)

    def _check(self, video: VideoFeatures, query: QueryFeatures) -> None:
        found = min(len(video.layers), len(query.layers))
        if found < self.num_steps:
            raise ValueError(
                f'R2Block reads {self.num_steps} layers, but the vision tower gives '
                f'{len(video.layers)} and the text tower {len(query.layers)}: lower '
                'num_steps, or tap or store more layers'
            )


def endpoints(lengths: Tensor, size: int) -> Tensor:
    """Where frames begin and end as fractions of the video.

    Args:
        lengths (Tensor): (B,) frames of each video.
        size (int): T, padding included; frames beyond the video exceed 1.

    Returns:
        Tensor: (B, T, 2) float32.
    """
    frame = torch.arange(size, device=lengths.device, dtype=torch.float32)
    start_end = torch.stack([frame, frame + 1], dim=-1)
    return start_end / lengths.float()[:, None, None]
