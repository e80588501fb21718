"""Token ids are CLIP's, long queries are cut and empty ones refused."""

import pytest
import torch
from mmengine.logging import MMLogger
from open_clip import get_tokenizer

from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.transforms.tokenize import TokenizeQuery, tokenize


@pytest.mark.parametrize(
    'text', ['A person throws   a broom.', "isn't it 42?", 'naïve café &amp; co', 'a']
)
def test_ids_are_those_of_open_clip(text):
    expected = get_tokenizer('ViT-B-32')([text])[0]
    ids = TokenizeQuery()(dict(query=text))['token_ids']
    assert ids.dtype == torch.int64
    assert ids.tolist() == tokenize(text) == expected[expected != 0].tolist()


def test_long_query_is_cut_keeps_its_end_and_is_reported_once(monkeypatch):
    said = []
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'warning', lambda message: said.append(message))
    monkeypatch.setattr(TokenizeQuery, '_warned', False)
    transform, text = TokenizeQuery(), ' '.join(['word'] * 300)
    for query_id in (7, 8):
        ids = transform(dict(query=text, query_id=query_id))['token_ids']
        assert len(ids) == 77 and ids[0] == 49406 and ids[-1] == 49407
        assert torch.equal(ids, get_tokenizer('ViT-B-32')([text])[0])
    assert len(said) == 1 and 'query 7' in said[0] and '302 tokens' in said[0]


def test_query_that_just_fits_is_not_reported(monkeypatch):
    monkeypatch.setattr(TokenizeQuery, '_warned', False)
    ids = TokenizeQuery()(dict(query=' '.join(['word'] * 75)))['token_ids']
    assert len(ids) == 77 and not TokenizeQuery._warned


@pytest.mark.parametrize('text', ['', '  \t\n', None])
def test_empty_query_is_named(text):
    with pytest.raises(BadSampleError, match='query q12 is empty'):
        TokenizeQuery()(dict(query=text, query_id='q12'))


def test_context_too_short():
    with pytest.raises(ValueError, match='context_length is 2'):
        TokenizeQuery(2)


@pytest.mark.parametrize(
    'text, english',
    [
        ('a man in a café drinks coffee', True),
        ('3 × 4 = 12', True),
        ('человек открывает дверь', False),
        ('一个人打开门', False),
        ('Der grüne Würfel fällt über die Brücke', False),
    ],
)
def test_query_in_another_language_is_reported_once(monkeypatch, text, english):
    said = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'warning', said.append)
    monkeypatch.setattr(TokenizeQuery, '_warned_foreign', False)
    for query_id in (7, 8):
        TokenizeQuery()(dict(query=text, query_id=query_id))
    assert len(said) == (0 if english else 1)
    assert english or ('query 7' in said[0] and 'English' in said[0])
