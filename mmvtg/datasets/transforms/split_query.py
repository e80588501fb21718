"""Cuts queries into what stays and what changes."""

from typing import Dict, Optional

from mmcv.transforms import BaseTransform
from mmengine.logging import MMLogger

from mmvtg.registry import TRANSFORMS

from ..query_parsing import ParsedQuery, open_parses, parse_queries
from .tokenize import tokenize

_VIEWS = ('full', 'static', 'dynamic')


@TRANSFORMS.register_module()
class SplitQuery(BaseTransform):
    """Static and dynamic part of a query (VDI 3.1), as token ids and as text.

    Required keys: ``query``. Added keys: ``static_query`` and ``dynamic_query`` (str),
    ``static_ids`` and ``dynamic_ids`` (lists of int, start and end token included;
    empty where a query has no such words).

    Queries are looked up in a file; what is not there is parsed by spaCy on the way.

    Args:
        parses (str, optional): File of tools/dataset_converters/parse_queries.py.
        view (str): What becomes ``query`` itself, for transforms behind this one: the
            ``full`` query, its ``static`` or its ``dynamic`` part (VDI Figure 3). A
            query without such words stays whole.
        context_length (int): Most tokens of a part.

    Raises:
        ValueError: If ``view`` is unknown.
        FileNotFoundError: If there is no such file.
    """

    def __init__(
        self,
        parses: Optional[str] = None,
        view: str = 'full',
        context_length: int = 77,
    ) -> None:
        if view not in _VIEWS:
            raise ValueError(f'view is {view!r}, want one of {_VIEWS}')
        self.view = view
        self.context_length = context_length
        self.known: Dict[str, ParsedQuery] = (
            open_parses(parses).parses if parses else {}
        )

    def transform(self, results: Dict) -> Dict:
        """Cut ``results['query']``.

        Raises:
            ModuleNotFoundError: A query is in no file and spaCy has no model.
        """
        query = results['query']
        if query not in self.known:
            self.known.update(parse_queries([query]))
        parts = self.known[query]._asdict()
        for name, text in parts.items():
            results[f'{name}_query'] = text
            ids = tokenize(text, self.context_length)
            # start and end alone: nothing that a tower could read
            results[f'{name}_ids'] = ids if len(ids) > 2 else []
        if self.view != 'full':
            results['query'] = parts[self.view] or self._keep(query)
        return results

    def _keep(self, query: str) -> str:
        MMLogger.get_current_instance().warning(
            f'query {query!r} has no {self.view} words and stays whole'
        )
        return query

    def __repr__(self) -> str:
        return f'SplitQuery(view={self.view!r}, {len(self.known)} parses)'
