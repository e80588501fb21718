"""Sentences -> features of their tokens, as a feature store holds them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmvtg.datasets.transforms.tokenize import TokenizeQuery

from .frames import precision
from .tower_output import stack_layers


class QueryEncoder:
    """A text tower and the precision in which it runs.

    Args:
        tower (nn.Module): The tower, in ``eval``, such as :class:`CLIPTextTower`.
        device (torch.device | str): Device of the tower.
        dtype (str, optional): Type of the result; default: see :func:`stack_layers`.
        autocast (str, optional): ``bfloat16`` or ``float16``: compute in it where that
            is safe. Default: float32.
    """

    def __init__(
        self,
        tower: Any,
        device: torch.device | str = 'cpu',
        dtype: str | None = None,
        autocast: str | None = None,
    ) -> None:
        self.tower, self.dtype, self.autocast = tower, dtype, autocast
        self.device = torch.device(device)
        self._tokenize = TokenizeQuery(tower.context_length)

    def tokenize(self, query: str, query_id: object = None) -> Tensor:
        """Return the token ids (L,) of a sentence.

        Raises:
            BadSampleError: If the sentence has no words.
        """
        return self._tokenize(dict(query=query, query_id=query_id))['token_ids']

    def __call__(self, query: str) -> Tensor:
        """Encode one sentence, (L, ...) on the CPU."""
        return self.encode([self.tokenize(query)])[0]

    @torch.inference_mode()
    def encode(self, ids: Sequence[Tensor]) -> list[Tensor]:
        """Encode token ids (L,) of several sentences, (L, ...) each on the CPU."""
        lengths = torch.tensor([len(one) for one in ids])
        query = nn.utils.rnn.pad_sequence(list(ids), batch_first=True).to(self.device)
        mask = torch.arange(query.shape[1]) < lengths[:, None]
        with precision(self.device, self.autocast):
            features = self.tower(query, mask.to(self.device))
        stacked = [
            stack_layers([layer[i] for layer in features.layers], words, self.dtype)
            for i, words in enumerate(_words(features, len(ids)))
        ]
        return [one[:length].cpu() for one, length in zip(stacked, lengths.tolist())]


def _words(features: object, count: int) -> Sequence[Tensor | None]:
    words = getattr(features, 'words', None)
    return [None] * count if words is None else words
