"""Learned context vectors around the words of a text tower's input."""

from typing import Optional, Tuple

import torch
from mmengine.model import normal_init
from torch import Tensor, nn

from mmvtg.registry import MODELS

from .base import TowerContext, TowerHook


@MODELS.register_module()
class ContextPrompt(TowerHook):
    """Puts learned vectors before and after the words: start, k, words, k, end.

    Of a text with its end token at place n, with p vectors before and q after it,

    ==================== ==========================================
    place                holds
    ==================== ==========================================
    0                    start token
    1 .. p               learned
    p + 1 .. p + n - 1   the words
    p + n .. p + n + q-1 learned
    p + n + q            end token, then the padding
    ==================== ==========================================

    The tower adds its positional embedding afterwards, to learned vectors as well.

    Which learned vector stands there is a matter of ``indexing``. ``slot`` is that of
    the paper (Efficient-Prompt, Ju et al. 2022, eq. 2): p + q vectors, the j-th after
    the words is the same for every text. ``position`` is that of its authors' code:
    one vector for each place of the tower, so the vectors after the words differ
    between texts of different lengths (and those of places nobody reaches never
    learn). It is needed for their checkpoints, whose ``embedding.weight`` it has.

    Args:
        width (int): C, channels of the tower's tokens.
        num_before (int): p, vectors between the start token and the words.
        num_after (int): q, vectors between the words and the end token.
        indexing (str): ``slot`` or ``position``.
        num_places (int): Rows of the table of ``position``: the tower's context length.
        num_sets (int): Sets of vectors, for prompts that differ between classes. With
            more than one, the tower's input ``prompt_set`` (N,) int64 says which one a
            text takes. Only ``slot``.
        init_std (float): Standard deviation of the vectors at the start.

    Raises:
        ValueError: If there is nothing to learn, or settings exclude each other.
    """

    def __init__(
        self,
        width: int,
        num_before: int = 16,
        num_after: int = 16,
        indexing: str = 'slot',
        num_places: int = 77,
        num_sets: int = 1,
        init_std: float = 0.01,
    ) -> None:
        super().__init__()
        if indexing not in ('slot', 'position'):
            raise ValueError(f"indexing is {indexing!r}, want 'slot' or 'position'")
        if min(num_before, num_after) < 0 or num_sets < 1:
            raise ValueError(
                f'ContextPrompt: num_before={num_before}, num_after={num_after}, '
                f'num_sets={num_sets}: counts of vectors are 0 or more, of sets 1 or '
                'more'
            )
        if indexing == 'position' and num_sets > 1:
            raise ValueError("indexing='position' has one set of vectors, num_sets=1")
        self.num_before = num_before
        self.num_after = num_after
        self.indexing = indexing
        self.num_sets = num_sets
        self.init_std = init_std
        rows = num_sets * self.num_added if indexing == 'slot' else num_places
        self.embedding = nn.Embedding(rows, width)
        self.init_weights()

    @property
    def num_added(self) -> int:
        """How many tokens a text gets longer."""
        return self.num_before + self.num_after

    def init_weights(self) -> None:
        """Normal, mean 0 (appendix of the paper)."""
        normal_init(self.embedding, std=self.init_std)

    def embed(self, tokens: Tensor, context: TowerContext) -> Tensor:
        """(N, L, C) to (N, L + p + q, C); moves ``context.mask`` and ``ends``."""
        if self.num_added == 0:
            return tokens
        source, learned = self._layout(tokens.shape[1], context.ends)
        rows = self._rows(learned, context)
        words = tokens.gather(1, source[..., None].expand(-1, -1, tokens.shape[-1]))
        prompts = self.embedding(rows.clamp(min=0)).to(tokens.dtype)
        lengths = context.mask.sum(1, keepdim=True) + self.num_added
        place = torch.arange(source.shape[1], device=tokens.device)
        context.mask = place < lengths
        context.ends = context.ends + self.num_added
        return torch.where(learned[..., None] >= 0, prompts, words)

    def _layout(self, length: int, ends: Tensor) -> Tuple[Tensor, Tensor]:
        """Which token, and which learned slot (-1: none), each place takes.

        Args:
            length (int): L, before.
            ends (Tensor): (N,), places of the end tokens before.

        Returns:
            tuple: both (N, L + p + q) int64.
        """
        before, after = self.num_before, self.num_after
        place = torch.arange(length + before + after, device=ends.device)
        place, behind = place.expand(len(ends), -1), (ends + before)[:, None]
        is_before = (place >= 1) & (place <= before)
        is_after = (place >= behind) & (place < behind + after)
        source = torch.where(place > before, place - before, 0)
        source = torch.where(place >= behind + after, place - before - after, source)
        learned = torch.where(is_before, place - 1, -1)
        learned = torch.where(is_after, place - behind + before, learned)
        return source.clamp(max=length - 1), learned

    def _rows(self, learned: Tensor, context: TowerContext) -> Tensor:
        """Rows of the table for learned slots (N, L'); what is not learned is < 0."""
        if self.indexing == 'position':
            place = torch.arange(learned.shape[1], device=learned.device)
            last = int(place.masked_fill((learned < 0).all(0), 0).max())
            if last >= self.embedding.num_embeddings:
                raise ValueError(
                    f'a text needs a learned vector at place {last} and there are '
                    f'{self.embedding.num_embeddings}: shorten it, or insert fewer'
                )
            return torch.where(learned >= 0, place, -1)
        chosen = self._chosen_set(context)
        if chosen is None:
            return learned
        return torch.where(learned >= 0, learned + self.num_added * chosen, -1)

    def _chosen_set(self, context: TowerContext) -> Optional[Tensor]:
        """(N, 1) int64, or None where all texts share one set."""
        if self.num_sets == 1:
            return None
        chosen = context.inputs.get('prompt_set')
        if chosen is None:
            raise ValueError(
                f'there are {self.num_sets} sets of prompts: say which one each text '
                "takes, inputs=dict(prompt_set=...) of the text tower's call"
            )
        return chosen[:, None]
