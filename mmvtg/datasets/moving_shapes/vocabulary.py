"""What there is to see in MovingShapes, and the words for it.

Each concept has two lists of phrases: those of the train split, and held-out ones which
only the ``novel_word`` split and the caption set of the tiny CLIP use.
"""

from typing import Dict, List, NamedTuple, Set, Tuple

import numpy as np


class Words(NamedTuple):
    """Phrases of one concept.

    Attributes:
        train: phrases of the train split, the plain one first.
        heldout: phrases that never occur in the train split.
    """

    train: Tuple[str, ...]
    heldout: Tuple[str, ...]


#: Colour name -> RGB.
COLOURS: Dict[str, Tuple[int, int, int]] = {
    'red': (220, 35, 35),
    'green': (40, 175, 65),
    'blue': (35, 85, 235),
    'yellow': (250, 215, 40),
    'pink': (240, 90, 205),
    'white': (250, 250, 250),
}
SHAPES: Tuple[str, ...] = ('circle', 'square', 'triangle', 'star', 'cross')
#: Radius in pixels at 128x128 of an actor that never grows or shrinks.
SIZES: Dict[str, float] = {'small': 12.0, 'big': 20.0}

#: Families of actions; the two actions of a pair are time reversals of each other.
FAMILIES: Dict[str, Tuple[str, ...]] = {
    'slide': ('slide_left', 'slide_right'),
    'lift': ('rise', 'sink'),
    'scale': ('grow', 'shrink'),
    'spin': ('spin',),
    'blink': ('blink',),
    'bounce': ('bounce',),
    'shake': ('shake',),
}
ACTIONS: Tuple[str, ...] = tuple(a for pair in FAMILIES.values() for a in pair)
FAMILY_OF: Dict[str, str] = {a: f for f, pair in FAMILIES.items() for a in pair}
#: What an action looks like when the video is played backwards.
INVERSE: Dict[str, str] = {
    a: pair[len(pair) - 1 - i] for pair in FAMILIES.values() for i, a in enumerate(pair)
}

COLOUR_WORDS: Dict[str, Words] = {
    'red': Words(('red', 'scarlet'), ('crimson', 'ruby')),
    'green': Words(('green', 'lime'), ('emerald', 'jade')),
    'blue': Words(('blue', 'cobalt'), ('azure', 'sapphire')),
    'yellow': Words(('yellow', 'lemon'), ('golden', 'amber')),
    'pink': Words(('pink', 'rose'), ('magenta', 'fuchsia')),
    'white': Words(('white', 'pale'), ('ivory', 'snowy')),
}
SHAPE_WORDS: Dict[str, Words] = {
    'circle': Words(('circle', 'ball'), ('disc', 'orb')),
    'square': Words(('square', 'box'), ('block', 'tile')),
    'triangle': Words(('triangle', 'wedge'), ('pyramid', 'cone')),
    'star': Words(('star', 'spiky star'), ('asterisk', 'pentagram')),
    'cross': Words(('cross', 'plus sign'), ('crucifix', 'addition sign')),
}
ANY_SHAPE = Words(('shape', 'object', 'thing'), ('figure', 'item'))
SIZE_WORDS: Dict[str, Words] = {
    'small': Words(('small', 'little'), ('tiny', 'compact')),
    'big': Words(('big', 'large'), ('huge', 'massive')),
}
#: Phrases are ``finite / progressive``: "slides left" / "[is] sliding left".
VERBS: Dict[str, Words] = {
    'slide_left': Words(
        (
            'slides to the left / sliding to the left',
            'moves left / moving left',
            'glides to the left / gliding to the left',
            'travels leftward / traveling leftward',
        ),
        ('drifts to the left / drifting to the left', 'veers left / veering left'),
    ),
    'slide_right': Words(
        (
            'slides to the right / sliding to the right',
            'moves right / moving right',
            'glides to the right / gliding to the right',
            'travels rightward / traveling rightward',
        ),
        ('drifts to the right / drifting to the right', 'veers right / veering right'),
    ),
    'rise': Words(
        ('rises / rising', 'goes up / going up', 'climbs up / climbing up'),
        ('ascends / ascending', 'soars / soaring'),
    ),
    'sink': Words(
        ('sinks / sinking', 'goes down / going down', 'comes down / coming down'),
        ('descends / descending', 'plunges / plunging'),
    ),
    'grow': Words(
        ('grows / growing', 'gets bigger / getting bigger', 'expands / expanding'),
        ('swells / swelling', 'inflates / inflating'),
    ),
    'shrink': Words(
        (
            'shrinks / shrinking',
            'gets smaller / getting smaller',
            'contracts / contracting',
        ),
        ('dwindles / dwindling', 'deflates / deflating'),
    ),
    'spin': Words(
        ('spins / spinning', 'rotates / rotating', 'turns around / turning around'),
        ('twirls / twirling', 'whirls / whirling'),
    ),
    'blink': Words(
        ('blinks / blinking', 'flashes / flashing', 'flickers / flickering'),
        ('twinkles / twinkling', 'strobes / strobing'),
    ),
    'bounce': Words(
        ('bounces / bouncing', 'hops / hopping', 'jumps / jumping'),
        ('leaps / leaping', 'springs / springing'),
    ),
    'shake': Words(
        ('shakes / shaking', 'trembles / trembling', 'wiggles / wiggling'),
        ('quivers / quivering', 'jitters / jittering'),
    ),
}
ALL_WORDS: Tuple[Words, ...] = (
    *COLOUR_WORDS.values(),
    *SHAPE_WORDS.values(),
    ANY_SHAPE,
    *SIZE_WORDS.values(),
    *VERBS.values(),
)
GLUE_WORDS = frozenset(
    ('a', 'an', 'the', 'is', 'while', 'as', 'something', 'then', 'and')
)


def is_heldout(colour: str, shape: str, action: str) -> bool:
    """Whether a colour-shape-action triple is kept for ``novel_composition``.

    Each of the 30 colour-shape pairs lacks exactly one of the seven families, both
    actions of a pair together (else a single frame of a sliding actor could tell its
    direction). Each colour and each shape still meets every family in training.
    """
    colour_id, shape_id = list(COLOURS).index(colour), SHAPES.index(shape)
    family_id = list(FAMILIES).index(FAMILY_OF[action])
    return (colour_id + 2 * shape_id + family_id) % len(FAMILIES) == 0


def heldout_triples() -> List[Tuple[str, str, str]]:
    """All held-out triples as (colour, shape, action)."""
    return [
        (c, s, a) for c in COLOURS for s in SHAPES for a in ACTIONS
        if is_heldout(c, s, a)
    ]  # fmt: skip


def _tokens(phrases: Tuple[str, ...]) -> Set[str]:
    return {word for phrase in phrases for word in phrase.split() if word != '/'}


def train_vocabulary() -> Set[str]:
    """All single words that sentences of the train split are made of."""
    return set(GLUE_WORDS).union(*(_tokens(words.train) for words in ALL_WORDS))


def heldout_vocabulary() -> Set[str]:
    """All single words that occur in held-out phrases only."""
    return set().union(*(_tokens(w.heldout) for w in ALL_WORDS)) - train_vocabulary()


def pick(rng: np.random.Generator, words: Words, heldout: float = 0.0) -> str:
    """Draw a phrase; with probability ``heldout`` a held-out one."""
    if heldout and rng.random() < heldout:
        return words.heldout[rng.integers(len(words.heldout))]
    if rng.random() < 0.5:
        return words.train[0]
    return words.train[rng.integers(len(words.train))]


def pick_verb(
    rng: np.random.Generator, action: str, heldout: float = 0.0
) -> Tuple[str, str]:
    """Draw a verb phrase of an action as (finite, progressive)."""
    finite, progressive = pick(rng, VERBS[action], heldout).split(' / ')
    return finite, progressive


def action_phrases(action: str) -> List[str]:
    """All that a query may say of an action, "slides to the left" and its kind."""
    pairs = (both for words in VERBS[action] for both in words)
    return [phrase for both in pairs for phrase in both.split(' / ')]


def direction_patterns() -> Dict[str, str]:
    """Regular expressions for queries that name a direction, which no frame tells.

    Returns:
        dict: ``left or right``, ``up or down``, ``bigger or smaller``, and ``any
        direction`` -> pattern. Queries with none of them name a spin, a blink, a bounce
        or a shake, of which each frame shows something.
    """
    families = dict(slide='left or right', lift='up or down', scale='bigger or smaller')
    phrases = {
        name: [p for action in FAMILIES[family] for p in action_phrases(action)]
        for family, name in families.items()
    }
    phrases['any direction'] = sum(phrases.values(), [])
    return {name: rf'\b({"|".join(parts)})\b' for name, parts in phrases.items()}
