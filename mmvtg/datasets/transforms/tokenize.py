"""Turns queries into CLIP's token ids."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Dict, List, Tuple

import torch
from mmcv.transforms import BaseTransform
from mmengine.logging import MMLogger

from mmvtg.datasets.errors import BadSampleError
from mmvtg.registry import TRANSFORMS

#: Fraction of letters outside of ASCII above which a sentence is not English.
_FOREIGN = 0.1

if TYPE_CHECKING:
    from open_clip.tokenizer import SimpleTokenizer


@lru_cache(maxsize=1)
def get_tokenizer() -> 'SimpleTokenizer':
    """CLIP's byte-pair encoder (vocabulary of 49408), made once a process."""
    # late: open_clip brings torchvision and timm, and few data sets have tokens
    from open_clip.tokenizer import SimpleTokenizer

    return SimpleTokenizer()


def tokenize(text: str, context_length: int = 77) -> List[int]:
    """Token ids of a sentence, start and end token included, without padding.

    Args:
        text (str): The sentence.
        context_length (int): Most tokens; a longer sentence loses its last words and
            keeps the end token.

    Returns:
        list[int]: At most ``context_length`` ids.
    """
    tokenizer = get_tokenizer()
    ids = tokenizer.encode(text)[: context_length - 2]
    return [tokenizer.sot_token_id, *ids, tokenizer.eot_token_id]


def piece_spans(text: str) -> List[Tuple[int, int]]:
    """Characters that each byte pair of CLIP's tokens stands for.

    Pieces of one word have the span of the word. The first is position 1 of
    :func:`tokenize`, behind the start token.

    Args:
        text (str): A cleaned sentence (:func:`mmvtg.datasets.query_parsing.clean`).
    """
    tokenizer = get_tokenizer()
    spans: List[Tuple[int, int]] = []
    for match in tokenizer.pat.finditer(text.lower()):
        word = ''.join(tokenizer.byte_encoder[b] for b in match.group().encode())
        spans += [match.span()] * len(tokenizer.bpe(word).split(' '))
    return spans


def is_english(text: str) -> bool:
    """Return False for a sentence with many letters that English lacks.

    Single words such as "café" are English enough. Other languages that are written
    with the letters of English are not noticed.
    """
    letters = [letter for letter in text if letter.isalpha()]
    foreign = sum(not letter.isascii() for letter in letters)
    return foreign <= _FOREIGN * len(letters)


@TRANSFORMS.register_module()
class TokenizeQuery(BaseTransform):
    """CLIP's tokens of a query.

    Required keys: ``query``; optionally ``query_id`` for messages.

    Added keys: ``token_ids`` (L,) int64 Tensor, start and end token included.

    Args:
        context_length (int): Most tokens of a query.
    """

    #: Whether this process has already said that it truncates.
    _warned = False
    #: Whether this process has already warned about another language.
    _warned_foreign = False

    def __init__(self, context_length: int = 77) -> None:
        if context_length < 3:
            raise ValueError(f'context_length is {context_length}, want 3 or more')
        self.context_length = context_length

    def transform(self, results: Dict) -> Dict:
        """Tokenise ``results['query']``.

        Raises:
            BadSampleError: The query has no words.
        """
        query, query_id = results['query'], results.get('query_id')
        if not query or not query.strip():
            raise BadSampleError(
                f'query {query_id} is empty: give it words or leave it out of the '
                'annotation file'
            )
        self._warn_if_foreign(query, query_id)
        ids = tokenize(query, self.context_length)
        if len(ids) == self.context_length:
            self._warn_if_cut(query, query_id)
        results['token_ids'] = torch.tensor(ids, dtype=torch.int64)
        return results

    def _warn_if_foreign(self, query: str, query_id: object) -> None:
        if TokenizeQuery._warned_foreign or is_english(query):
            return
        TokenizeQuery._warned_foreign = True
        MMLogger.get_current_instance().warning(
            f'query {query_id} does not look English ({query[:60]!r}), and the '
            'tokenizer is that of English CLIP models, which hardly know other '
            'languages: translate the queries. This warning is shown once per process'
        )

    def _warn_if_cut(self, query: str, query_id: object) -> None:
        if TokenizeQuery._warned:
            return
        length = len(get_tokenizer().encode(query)) + 2
        if length <= self.context_length:
            return
        TokenizeQuery._warned = True
        words = len(re.findall(r'\S+', query))
        MMLogger.get_current_instance().warning(
            f'query {query_id} has {length} tokens ({words} words) and CLIP reads '
            f'{self.context_length}: its last words are cut off. Said once; other long '
            'queries are cut likewise'
        )

    def __repr__(self) -> str:
        return f'TokenizeQuery(context_length={self.context_length})'
