"""Finds the verb of a query among CLIP's tokens."""

from typing import Dict, Optional, Sequence

from mmcv.transforms import BaseTransform

from mmvtg.registry import TRANSFORMS

from ..main_verb import MainVerb
from ..query_parsing import clean, open_parses, parse_verbs
from .tokenize import piece_spans


def verb_position(
    text: str, span: Optional[Sequence[int]], context_length: int = 77
) -> int:
    """Position of the last piece of a verb among CLIP's tokens.

    CLIP's text tower is causal: of several pieces the last alone has seen the whole
    verb. Where the verb is cut off, or there is none, it is the end token's position.

    Args:
        text (str): A cleaned sentence.
        span (tuple, optional): Characters of the verb in it.
        context_length (int): Most tokens, start and end token included.
    """
    pieces = piece_spans(text)
    end = min(len(pieces), context_length - 2) + 1
    if span is None:
        return end
    # lower case may be longer, as that of a dotted capital I
    first, last = (len(text[:place].lower()) for place in span)
    inside = [i for i, (a, b) in enumerate(pieces, 1) if a < last and b > first]
    return min(inside[-1], end) if inside else end


@TRANSFORMS.register_module()
class VerbPosition(BaseTransform):
    """Position of the main verb among the tokens of a query (ActPrompt 3.2).

    Required keys: ``query``. Added keys: ``verb_position`` (int; 0 is the start token):
    the last piece of the verb, or the end token where the verb is cut off or the query
    is empty. Which word is the verb says :func:`find_main_verb`.

    Queries are looked up in a file; what is not there is parsed by spaCy on the way.

    Args:
        parses (str, optional): File of tools/dataset_converters/parse_queries.py.
        skip_aspectual (bool): Of "starts undressing" take "undressing".
        context_length (int): Most tokens of a query.

    Raises:
        FileNotFoundError: If there is no such file.
    """

    def __init__(
        self,
        parses: Optional[str] = None,
        skip_aspectual: bool = False,
        context_length: int = 77,
    ) -> None:
        self.skip_aspectual = skip_aspectual
        self.context_length = context_length
        self.known: Dict[str, MainVerb] = open_parses(parses).verbs if parses else {}

    def transform(self, results: Dict) -> Dict:
        """Find the verb of ``results['query']``.

        Raises:
            ModuleNotFoundError: A query is in no file and spaCy has no model.
        """
        query = results['query']
        if query not in self.known:
            self.known.update(parse_verbs([query]))
        found = self.known[query]
        span = found.action if self.skip_aspectual else found.verb
        position = verb_position(clean(query), span, self.context_length)
        results['verb_position'] = position
        return results

    def __repr__(self) -> str:
        return f'VerbPosition({len(self.known)} parses)'
