"""Features of two towers brought into one space: where DETR-like necks begin."""

from typing import Sequence, Tuple, Union

import torch
from torch import Tensor, nn

from mmvtg.models.layers import TokenMLP
from mmvtg.structures import QueryFeatures, StepFeatures, VideoFeatures

from .r2_block import endpoints
from .sharing import Sharing


class InputProjection(nn.Module):
    """One vector a clip and one a word, in the width of the model.

    Reads the class token and the words of the last layer where towers hand out layers,
    so that stores with patches and online towers with a tap serve as well; else
    ``clips`` and ``words``, as joined streams and towers without a tap give them.

    Args:
        video_dims (int | Sequence[int]): Width of the clips. A sequence: widths of
            streams that lie side by side, each of which gets endpoints of its own, as
            QD-DETR's video and audio.
        query_dims (int): Width of the words.
        channels (int): C.
        dropout (float): Of the projections.
        use_tef (bool): Tell each clip where it begins and ends, as fractions of the
            video (temporal endpoint feature).
        normalize (bool): Give clips (each stream) and words length 1 first, for towers
            whose features nobody normalised before.
        token_types (bool): Add a learned vector to all clips and one to all words.
    """

    def __init__(
        self,
        video_dims: Union[int, Sequence[int]],
        query_dims: int,
        channels: int,
        dropout: float = 0.5,
        use_tef: bool = True,
        normalize: bool = False,
        token_types: bool = False,
    ) -> None:
        super().__init__()
        self.streams = [video_dims] if isinstance(video_dims, int) else [*video_dims]
        self.use_tef = use_tef
        self.normalize = normalize
        width = sum(self.streams) + 2 * use_tef * len(self.streams)
        self.video_mlp = TokenMLP(width, channels, dropout)
        self.query_mlp = TokenMLP(query_dims, channels, dropout)
        # row 0: words, row 1: clips
        self.token_types = nn.Embedding(2, channels) if token_types else None
        if token_types:
            nn.init.normal_(self.token_types.weight, std=0.02)

    def forward(
        self, video: VideoFeatures, query: QueryFeatures
    ) -> Tuple[StepFeatures, Tensor]:
        """Project. A video that several queries share is projected once.

        Args:
            video (VideoFeatures): ``layers`` or ``clips`` (V, T, video_dims), a row a
                sample or ``owners``.
            query (QueryFeatures): ``layers`` or ``words`` (B, L, query_dims).

        Returns:
            tuple[StepFeatures, Tensor]: Clips (B, T, C) and words (B, L, C), and the
            mask of the clips (B, T).

        Raises:
            ValueError: If clips are not as wide as the streams.
        """
        clips = video.layers[-1][:, :, 0] if video.layers else video.clips
        words = query.layers[-1] if query.layers else query.words
        if clips.size(-1) != sum(self.streams):
            raise ValueError(
                f'clips have {clips.size(-1)} channels, video_dims of the neck says '
                f'{self.streams}: which features does the data set load?'
            )
        clips = self.video_mlp(self._join(self._cast(clips), video.mask))
        words = self.query_mlp(self._unit(self._cast(words)))
        if self.token_types is not None:
            clips = clips + self.token_types.weight[1]
            words = words + self.token_types.weight[0]
        sharing = Sharing(video.owners, video.mask.size(0))
        step = StepFeatures(clips=sharing.spread(clips), words=words)
        return step, sharing.spread(video.mask)

    def _join(self, clips: Tensor, mask: Tensor) -> Tensor:
        """Streams one after the other, endpoints behind each."""
        parts = [self._unit(part) for part in clips.split(self.streams, dim=-1)]
        if self.use_tef:
            tef = endpoints(mask.sum(1), mask.size(1)).to(clips.dtype)
            tef = tef.masked_fill(~mask[..., None], 0)
            parts = [part for stream in parts for part in (stream, tef)]
        return torch.cat(parts, dim=-1)

    def _unit(self, x: Tensor) -> Tensor:
        return x / (x.norm(dim=-1, keepdim=True) + 1e-5) if self.normalize else x

    def _cast(self, x: Tensor) -> Tensor:
        """Stored features are float16; parameters say what to compute in."""
        return x.to(self.video_mlp.linear_in.weight.dtype)
