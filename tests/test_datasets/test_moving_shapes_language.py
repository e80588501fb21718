"""Sentences of MovingShapes: when they are true, and which split may use them."""

import numpy as np
import pytest

from mmvtg.datasets.moving_shapes import (
    describe,
    say,
    scene_of,
    true_moments,
)
from mmvtg.datasets.moving_shapes.annotations import SPLITS
from mmvtg.datasets.moving_shapes.language import Clause, sample_meanings
from mmvtg.datasets.moving_shapes.vocabulary import (
    ACTIONS,
    ANY_SHAPE,
    COLOUR_WORDS,
    COLOURS,
    INVERSE,
    SHAPE_WORDS,
    SHAPES,
    SIZE_WORDS,
    VERBS,
    heldout_triples,
    heldout_vocabulary,
    is_heldout,
    train_vocabulary,
)

# -- language --------------------------------------------------------------------------


def phrase_table():
    table = {}
    for slot, words in (
        ('colour', COLOUR_WORDS),
        ('shape', {**SHAPE_WORDS, None: ANY_SHAPE}),
        ('size', SIZE_WORDS),
    ):
        for name, phrases in words.items():
            for phrase in phrases.train + phrases.heldout:
                assert phrase not in table
                table[phrase] = (slot, name)
    for action, phrases in VERBS.items():
        for pair in phrases.train + phrases.heldout:
            finite, progressive = pair.split(' / ')
            for phrase in (finite, f'is {progressive}'):
                assert phrase not in table
                table[phrase] = ('action', action)
    return table


def parse(sentence, table):
    """Sentence -> clauses, greedily by the longest phrase."""
    clauses = []
    for part in sentence.replace(' as ', ' while ').split(' while '):
        words, found = part.split(), {}
        assert words[0] in ('a', 'an', 'the', 'something')
        if words[0] in ('a', 'an'):
            assert (words[0] == 'an') == (words[1][0] in 'aeiou')
        position = 1
        while position < len(words):
            for stop in range(len(words), position, -1):
                phrase = ' '.join(words[position:stop])
                if phrase in table:
                    slot, name = table[phrase]
                    assert slot not in found
                    found[slot] = name
                    position = stop
                    break
            else:
                raise AssertionError(f'{sentence!r}: what is {words[position]!r}?')
        clauses.append(found)
    return clauses


def slow_truth(scene, clauses, time):
    """Is the sentence true now? From the definition."""
    for clause in clauses:
        somebody = False
        for actor in scene.actors:
            if clause.get('colour') not in (None, actor.colour):
                continue
            if clause.get('shape') not in (None, actor.shape):
                continue
            if clause.get('size') not in (None, actor.size):
                continue
            for action in actor.actions:
                if action.kind == clause['action']:
                    somebody |= action.start < time < action.end
        if not somebody:
            return False
    return True


@pytest.mark.parametrize('split', ['train', 'novel_composition', 'novel_word'])
def test_moments_are_all_times_at_which_the_sentence_is_true(split):
    table, several = phrase_table(), 0
    for index in range(150):
        scene, rng = scene_of(1, split, index, (24, 60))
        meanings = sample_meanings(rng, scene, split == 'novel_composition')
        assert 1 <= len(meanings) <= 5
        for meaning in meanings:
            sentence = say(rng, scene, meaning, split == 'novel_word')
            clauses = parse(sentence, table)
            moments = true_moments(scene, meaning)
            assert moments
            assert all(b[0] > a[1] for a, b in zip(moments, moments[1:]))
            assert all(e % 2 == s % 2 == 0 and s < e for s, e in moments)
            several += len(moments) > 1
            for time in np.arange(0.25, scene.duration, 0.5):
                inside = any(start < time < end for start, end in moments)
                assert inside == slow_truth(scene, clauses, time), sentence
    assert several > 10


def test_size_words_never_meet_an_actor_of_changing_size():
    for index in range(200):
        scene, rng = scene_of(2, 'train', index, (24, 60))
        for meaning in sample_meanings(rng, scene):
            for clause in meaning:
                if clause.size is None:
                    continue
                loose = Clause(clause.action, clause.colour, clause.shape)
                fitting = [actor for actor in scene.actors if loose.fits(actor)]
                assert all(actor.size is not None for actor in fitting)


def test_many_queries_have_distractors():
    hard = total = 0
    for index in range(200):
        scene, rng = scene_of(2, 'test', index, (24, 60))
        for meaning in sample_meanings(rng, scene):
            clause = meaning[0]
            others = [Clause(INVERSE[clause.action], clause.colour, clause.shape)]
            others.append(Clause(clause.action))
            own = true_moments(scene, (clause,))
            hard += any(true_moments(scene, (o,)) not in ([], own) for o in others)
            total += 1
    assert hard / total > 0.5


# -- splits ----------------------------------------------------------------------------


def triples_of(scene):
    return {(a.colour, a.shape, x.kind) for a in scene.actors for x in a.actions}


def test_heldout_triples_leave_every_pair_of_words_in_training():
    held = set(heldout_triples())
    assert len(held) == sum(
        is_heldout(c, s, a) for c in COLOURS for s in SHAPES for a in ACTIONS
    )
    assert all((c, s, INVERSE[a]) in held for c, s, a in held)
    for action in ACTIONS:
        assert all(any((c, s, action) not in held for s in SHAPES) for c in COLOURS)
        assert all(any((c, s, action) not in held for c in COLOURS) for s in SHAPES)


def test_only_novel_composition_shows_heldout_triples():
    held = set(heldout_triples())
    for split in SPLITS:
        for index in range(100):
            scene, rng = scene_of(0, split, index, (24, 60))
            if split != 'novel_composition':
                assert not triples_of(scene) & held
                continue
            for meaning in sample_meanings(rng, scene, novel_composition=True):
                named = {(c.colour, c.shape, c.action) for c in meaning}
                assert named & held


def test_heldout_words_are_in_each_novel_query_and_nowhere_else():
    known, novel = train_vocabulary(), heldout_vocabulary()
    assert not known & novel
    seen = set()
    for split in SPLITS:
        for index in range(100):
            scene, rng = scene_of(0, split, index, (24, 60))
            new = split == 'novel_word'
            meanings = sample_meanings(rng, scene, split == 'novel_composition')
            texts = [say(rng, scene, meaning, new) for meaning in meanings]
            texts.append(describe(rng, scene, new))
            for text in texts:
                words = set(text.split())
                assert words <= known | novel
                assert bool(words & novel) == new, text
                seen |= words & novel
    assert len(seen) > 0.8 * len(novel)
