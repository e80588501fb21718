"""Sentences about scenes, and when they are true."""

from dataclasses import dataclass
from typing import List, Optional, Tuple

import numpy as np

from .motion import Actor
from .scene import GRID, Scene
from .vocabulary import (
    ANY_SHAPE,
    COLOUR_WORDS,
    INVERSE,
    SHAPE_WORDS,
    SIZE_WORDS,
    heldout_vocabulary,
    is_heldout,
    pick,
    pick_verb,
)

_QUERY_COUNT_ODDS = (0.1, 0.2, 0.3, 0.25, 0.15)
_HELDOUT_ODDS = 0.4


@dataclass(frozen=True)
class Clause:
    """Some actor which fits the given words does ``action``; None fits all."""

    action: str
    colour: Optional[str] = None
    shape: Optional[str] = None
    size: Optional[str] = None

    def fits(self, actor: Actor) -> bool:
        """Whether the description holds for an actor."""
        return (
            self.colour in (None, actor.colour)
            and self.shape in (None, actor.shape)
            and self.size in (None, actor.size)
        )

    @property
    def is_heldout(self) -> bool:
        """Whether it names a triple of the ``novel_composition`` split."""
        if self.colour is None or self.shape is None:
            return False
        return is_heldout(self.colour, self.shape, self.action)


#: One clause, or two which must hold at the same time.
Meaning = Tuple[Clause, ...]


def true_clips(scene: Scene, meaning: Meaning) -> np.ndarray:
    """In which clips of 2 s a sentence is true, ``(T,)`` bool."""
    everything = np.ones(scene.duration // GRID, dtype=bool)
    for clause in meaning:
        somebody = np.zeros_like(everything)
        for actor in filter(clause.fits, scene.actors):
            for action in actor.actions:
                if action.kind == clause.action:
                    somebody[int(action.start) // GRID : int(action.end) // GRID] = True
        everything &= somebody
    return everything


def true_moments(scene: Scene, meaning: Meaning) -> List[List[int]]:
    """All [start, end] in seconds during which a sentence is true, merged."""
    return runs(true_clips(scene, meaning))


def runs(clips: np.ndarray) -> List[List[int]]:
    """Runs of True in ``(T,)`` as [start, end] in seconds."""
    steps = np.flatnonzero(np.diff(np.concatenate(([0], clips.astype(int), [0]))))
    return (steps.reshape(-1, 2) * GRID).tolist()


def sample_meanings(
    rng: np.random.Generator, scene: Scene, novel_composition: bool = False
) -> List[Meaning]:
    """Draw 1 to 5 different things to say about a scene, each true at some time.

    Args:
        rng: source of randomness.
        scene: the scene.
        novel_composition: whether each must hold a held-out triple.
    """
    singles = _single_clauses(scene)
    if novel_composition:
        first = [(c, w) for c, w in singles if c.is_heldout]
    else:
        first = singles
    odds = np.array([weight for _, weight in first], dtype=float)
    wanted = 1 + int(rng.choice(5, p=_QUERY_COUNT_ODDS))
    meanings: List[Meaning] = []
    for _ in range(6 * wanted):
        clause = first[rng.choice(len(first), p=odds / odds.sum())][0]
        meaning: Meaning = (clause,)
        if len(scene.actors) > 1 and rng.random() < 0.3:
            meaning = _join(rng, scene, clause, [other for other, _ in singles])
        true = true_clips(scene, meaning)
        new = all(set(meaning) != set(other) for other in meanings)
        if new and true.any() and true.mean() < 0.8:
            meanings.append(meaning)
        if len(meanings) == wanted:
            break
    return meanings or [(first[0][0],)]


def _join(
    rng: np.random.Generator, scene: Scene, clause: Clause, others: List[Clause]
) -> Meaning:
    """Add a clause on other actors that is true at the same time, if there is one."""
    partners = [
        other
        for other in others
        if not any(clause.fits(a) and other.fits(a) for a in scene.actors)
        and true_clips(scene, (clause, other)).any()
    ]
    if not partners:
        return (clause,)
    other = partners[rng.integers(len(partners))]
    return (clause, other) if rng.random() < 0.5 else (other, clause)


def _single_clauses(scene: Scene) -> List[Tuple[Clause, float]]:
    """Everything that one clause can truly say, with a weight for sampling."""
    found = {}
    for actor in scene.actors:
        for kind in dict.fromkeys(action.kind for action in actor.actions):
            hard = 5.0 if _has_distractor(scene, actor, kind) else 1.0
            found[Clause(kind, actor.colour, actor.shape)] = 4.0 * hard
            for description in (
                Clause(kind, actor.colour),
                Clause(kind, shape=actor.shape),
            ):
                found[description] = 0.7 * hard
            sized = Clause(kind, actor.colour, actor.shape, actor.size)
            if actor.size:
                found[sized] = 2.0 * hard
            sized = Clause(kind, None, actor.shape, actor.size)
            if actor.size and not _size_is_unclear(scene, sized):
                found[sized] = 0.7 * hard
    return list(found.items())


def _has_distractor(scene: Scene, actor: Actor, kind: str) -> bool:
    """Whether object words and direction words are both needed to find the time."""
    inverse = INVERSE[kind]
    reverse_too = inverse != kind and any(a.kind == inverse for a in actor.actions)
    others = (other for other in scene.actors if other is not actor)
    return reverse_too or any(a.kind == kind for o in others for a in o.actions)


def _size_is_unclear(scene: Scene, clause: Clause) -> bool:
    """Whether an actor of changing size fits the other words of a clause."""
    loose = Clause(clause.action, clause.colour, clause.shape)
    return any(actor.size is None and loose.fits(actor) for actor in scene.actors)


def say(
    rng: np.random.Generator,
    scene: Scene,
    meaning: Meaning,
    novel_word: bool = False,
) -> str:
    """Draw a sentence with a meaning.

    Args:
        rng: source of randomness.
        scene: the scene, which decides where "the" is allowed.
        meaning: one clause, or two that are true together.
        novel_word: whether to use at least one held-out paraphrase; else none is used.
    """
    heldout = _HELDOUT_ODDS if novel_word else 0.0
    while True:
        parts = [_say_clause(rng, scene, clause, heldout) for clause in meaning]
        sentence = (' while ' if rng.random() < 0.7 else ' as ').join(parts)
        if not novel_word or heldout_vocabulary() & set(sentence.split()):
            return sentence


def _say_clause(
    rng: np.random.Generator, scene: Scene, clause: Clause, heldout: float
) -> str:
    subject = noun_chunk(rng, clause.colour, clause.shape, clause.size, heldout)
    unique = sum(clause.fits(actor) for actor in scene.actors) == 1
    if subject.startswith('something'):
        pass
    elif unique and rng.random() < 0.5:
        subject = f'the {subject}'
    else:
        subject = with_article(subject)
    finite, progressive = pick_verb(rng, clause.action, heldout)
    verb = finite if rng.random() < 0.6 else f'is {progressive}'
    return f'{subject} {verb}'


def noun_chunk(
    rng: np.random.Generator,
    colour: Optional[str],
    shape: Optional[str],
    size: Optional[str] = None,
    heldout: float = 0.0,
) -> str:
    """Draw a noun chunk without article: "big scarlet ball", "something red"."""
    if shape is None and size is None and rng.random() < 0.5:
        return f'something {pick(rng, COLOUR_WORDS[colour], heldout)}'
    words = []
    if size is not None:
        words.append(pick(rng, SIZE_WORDS[size], heldout))
    if colour is not None:
        words.append(pick(rng, COLOUR_WORDS[colour], heldout))
    words.append(pick(rng, SHAPE_WORDS[shape] if shape else ANY_SHAPE, heldout))
    return ' '.join(words)


def with_article(chunk: str) -> str:
    """Put "a" or "an" before a noun chunk."""
    return f'{"an" if chunk[0] in "aeiou" else "a"} {chunk}'


def describe(rng: np.random.Generator, scene: Scene, novel_word: bool = False) -> str:
    """One sentence that tells all actions of a scene in the order of their start."""
    acts = [(action.start, actor, action) for actor in scene.actors
            for action in actor.actions]  # fmt: skip
    acts.sort(key=lambda act: (act[0], act[1].colour, act[1].shape))
    parts = []
    for _, actor, action in acts:
        clause = Clause(action.kind, actor.colour, actor.shape)
        parts.append(say(rng, scene, (clause,), novel_word))
    return ' then '.join(parts)
