"""Turns queries into the token ids of BERT's uncased models."""

import os.path as osp
import unicodedata
from typing import Dict, List

import torch
from mmcv.transforms import BaseTransform
from mmengine.logging import MMLogger

from mmvtg.registry import TRANSFORMS

#: Longer words are unknown, as in BERT's own tokenizer.
_MAX_CHARACTERS = 100
_NAMED = ('[UNK]', '[CLS]', '[SEP]')


def split_words(text: str) -> List[str]:
    """Lower-case words without accents; punctuation and Chinese signs stand alone."""
    words: List[str] = []
    glue = False  # whether the next character belongs to the last word
    for sign in unicodedata.normalize('NFD', text.lower()):
        kind = unicodedata.category(sign)
        if (
            kind == 'Mn'
            or (kind[0] == 'C' and sign not in '\t\n\r')
            or sign == '\ufffd'
        ):
            continue
        if sign.isspace():
            glue = False
        elif _is_punctuation(sign, kind) or _is_ideograph(ord(sign)):
            words.append(sign)
            glue = False
        elif glue:
            words[-1] += sign
        else:
            words.append(sign)
            glue = True
    return words


def _is_punctuation(sign: str, kind: str) -> bool:
    return kind[0] == 'P' or (sign.isascii() and not sign.isalnum())


def _is_ideograph(code: int) -> bool:
    return (
        0x3400 <= code <= 0x4DBF
        or 0x4E00 <= code <= 0x9FFF
        or 0xF900 <= code <= 0xFAFF
        or 0x20000 <= code <= 0x2CEAF
        or 0x2F800 <= code <= 0x2FA1F
    )


@TRANSFORMS.register_module()
class TokenizeWordPiece(BaseTransform):
    """WordPiece tokens of a query, for :class:`DistilBertTower`.

    Required keys: ``query``. Added keys: ``token_ids`` (L,) int64 Tensor, [CLS] and
    [SEP] included.

    Args:
        vocab (str): File of tokens, one a line, the line's number is the id:
            ``vocab.txt`` of bert-base-uncased.
        max_tokens (int): A longer query loses its last words and keeps [SEP].

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It lacks the named tokens.
    """

    #: Whether this process has already warned about truncation.
    _warned = False

    def __init__(self, vocab: str, max_tokens: int = 512) -> None:
        if not osp.isfile(vocab):
            raise FileNotFoundError(
                f'vocabulary {vocab} does not exist: it is vocab.txt of Hugging '
                "Face's bert-base-uncased"
            )
        with open(vocab, encoding='utf-8') as file:
            self.ids = {line.rstrip('\n'): i for i, line in enumerate(file)}
        missing = [name for name in _NAMED if name not in self.ids]
        if missing:
            raise ValueError(f'{vocab} is no vocabulary of BERT: it lacks {missing[0]}')
        self.max_tokens = max_tokens

    def transform(self, results: Dict) -> Dict:
        """Tokenise ``results['query']``."""
        pieces = [i for word in split_words(results['query']) for i in self.split(word)]
        most = self.max_tokens - 2
        if len(pieces) > most and not TokenizeWordPiece._warned:
            TokenizeWordPiece._warned = True
            MMLogger.get_current_instance().warning(
                f'query {results.get("query_id")} has {len(pieces) + 2} tokens, more '
                f'than max_tokens={self.max_tokens}; it is truncated. This warning is '
                'shown once per process'
            )
        pieces = pieces[:most]
        ids = [self.ids['[CLS]'], *pieces, self.ids['[SEP]']]
        results['token_ids'] = torch.tensor(ids)
        return results

    def split(self, word: str) -> List[int]:
        """Ids of the longest pieces from left to right; else that of [UNK]."""
        unknown = [self.ids['[UNK]']]
        if len(word) > _MAX_CHARACTERS:
            return unknown
        pieces: List[int] = []
        start = 0
        while start < len(word):
            prefix = '##' if start else ''
            for end in range(len(word), start, -1):
                if prefix + word[start:end] in self.ids:
                    break
            else:
                return unknown
            pieces.append(self.ids[prefix + word[start:end]])
            start = end
        return pieces

    def __repr__(self) -> str:
        return f'TokenizeWordPiece({len(self.ids)} tokens)'
