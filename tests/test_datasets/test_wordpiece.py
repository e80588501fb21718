"""WordPiece tokens; the expected ones are those of Hugging Face's tokenizers 0.23."""

import pytest
from mmengine.logging import MMLogger

from mmvtg.datasets.transforms import TokenizeWordPiece

# fmt: off
VOCAB = [
    '[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a', 'person', 'run', '##ning',
    '##s', 'the', 'door', '.', ',', '!', 'caf', '##e', 'cafe', '狗', '在', '##in', "'",
    's', '-', 'dog', 'ru', '##n', 'open', '##ing', '2', '##3', '@', '$', 'ß', 'naive',
    'и', '##х',
]
# fmt: on


@pytest.fixture
def vocab(tmp_path):
    path = tmp_path / 'vocab.txt'
    path.write_text('\n'.join(VOCAB) + '\n', encoding='utf-8')
    return str(path)


@pytest.mark.parametrize(
    'query, pieces',
    [
        ('A person running.', [5, 6, 7, 8, 12]),
        ("the café door's open-ing!", [10, 17, 11, 21, 22, 27, 23, 1, 14]),
        ('一只狗在 run', [1, 1, 18, 19, 7]),
        ('runs  running\tthe\ndoor', [7, 9, 7, 8, 10, 11]),
        ('x' * 101, [1]),
        ('person' * 3, [1]),
        ('23 $ @a', [29, 30, 32, 31, 5]),
        ('naïve ß ИХ', [34, 33, 35, 36]),
        ('a\u200bdog \xa0 the\ufffd door', [1, 10, 11]),
        ('🐕 dog', [1, 24]),
        ('', []),
        ('e\u0301 cafe\u0301', [1, 17]),
    ],
)
def test_as_berts_own_tokenizer(vocab, query, pieces):
    ids = TokenizeWordPiece(vocab)(dict(query=query))['token_ids']
    assert ids.tolist() == [2, *pieces, 3]


def test_long_queries_keep_the_end(vocab):
    ids = TokenizeWordPiece(vocab, max_tokens=5)(dict(query='run ' * 20))['token_ids']
    assert ids.tolist() == [2, 7, 7, 7, 3]


def test_bad_vocabularies(vocab, tmp_path):
    with pytest.raises(FileNotFoundError, match='bert-base-uncased'):
        TokenizeWordPiece(str(tmp_path / 'nothing.txt'))
    (tmp_path / 'words.txt').write_text('a\nb\n')
    with pytest.raises(ValueError, match='UNK'):
        TokenizeWordPiece(str(tmp_path / 'words.txt'))


def test_truncated_query_is_reported_once(vocab, monkeypatch):
    said = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'warning', said.append)
    monkeypatch.setattr(TokenizeWordPiece, '_warned', False)
    for _ in range(2):
        TokenizeWordPiece(vocab, 4)(dict(query='a person run', query_id='q'))
    assert len(said) == 1 and 'query q has 5 tokens, more than max_tokens=4' in said[0]
