"""Draw scenes at random."""

from typing import Callable, List, Optional, Sequence, Tuple

import numpy as np

from .motion import HOP, RANGE, Action, Actor, State, actor_poses
from .scene import (
    GRID,
    Scene,
    hidden_fraction,
    reverse_scene,
    sample_background,
)
from .vocabulary import COLOURS, FAMILIES, SHAPES, SIZES, is_heldout

#: An actor that grows or shrinks has one of these two radii while idle.
SCALE_RADII = (10.0, 22.0)
_LENGTHS, _LENGTH_ODDS = (2, 4, 6, 8, 10, 12), (0.04, 0.16, 0.26, 0.26, 0.16, 0.12)
_MIN_TRAVEL = 44.0
_TRIES = 25


def sample_scene(
    rng: np.random.Generator,
    durations: Tuple[int, int] = (24, 60),
    novel_composition: bool = False,
) -> Scene:
    """Draw a scene.

    The distribution is its own time reversal: each drawn scene is played backwards with
    probability one half. So a frame in which something slides left is as likely as the
    same frame in which it slides right.

    Args:
        rng: source of randomness.
        durations: shortest and longest duration, seconds, both included.
        novel_composition: whether the first actor does something which
            :func:`~.vocabulary.is_heldout` forbids in all other scenes.

    Returns:
        Scene: 1 to 3 actors which differ in (colour, shape).
    """
    duration = GRID * int(rng.integers(durations[0] // GRID, durations[1] // GRID + 1))
    looks = sample_looks(rng, int(rng.choice((1, 2, 3), p=(0.15, 0.5, 0.35))))
    focus = _sample_focus(rng, looks[0], novel_composition)
    actors: List[Actor] = []
    for index, look in enumerate(looks):
        count = _sample_count(rng, index, len(looks))
        families = _sample_families(rng, look, count, focus, must=index == 0)
        windows = _sample_windows(rng, duration, len(families))
        actors.append(
            _place(
                lambda look=look, families=families, windows=windows: _sample_actor(
                    rng, look, families[: len(windows)], windows
                ),
                actors,
                duration,
            )
        )
    order = rng.permutation(len(actors))
    scene = Scene(duration, tuple(actors[i] for i in order), sample_background(rng))
    return reverse_scene(scene) if rng.random() < 0.5 else scene


def sample_looks(rng: np.random.Generator, count: int) -> List[Tuple[str, str]]:
    """Different (colour, shape) pairs; half of the time one of both is shared."""
    colours, shapes = list(COLOURS), list(SHAPES)
    looks: List[Tuple[str, str]] = []
    while len(looks) < count:
        colour = colours[rng.integers(len(colours))]
        shape = shapes[rng.integers(len(shapes))]
        if looks and rng.random() < 0.3:
            colour = looks[0][0]
        elif looks and rng.random() < 0.3:
            shape = looks[0][1]
        if (colour, shape) not in looks:
            looks.append((colour, shape))
    return looks


def _allowed_families(look: Tuple[str, str]) -> List[str]:
    return [f for f, pair in FAMILIES.items() if not is_heldout(*look, pair[0])]


def _sample_focus(rng: np.random.Generator, look: Tuple[str, str], novel: bool) -> str:
    """The family that the scene turns on, mostly one with a direction."""
    allowed = _allowed_families(look)
    if novel:
        return next(f for f in FAMILIES if f not in allowed)
    paired = [f for f in allowed if len(FAMILIES[f]) == 2]
    pool = paired if rng.random() < 0.75 else allowed
    return pool[rng.integers(len(pool))]


def _sample_count(rng: np.random.Generator, index: int, actors: int) -> int:
    if actors == 1:
        return int(rng.integers(3, 6))
    return int(rng.integers(2, 5)) if index == 0 else int(rng.integers(1, 4))


def _sample_families(
    rng: np.random.Generator,
    look: Tuple[str, str],
    count: int,
    focus: str,
    must: bool,
) -> List[str]:
    """Families of an actor's actions in order; distractors repeat the focus."""
    allowed = _allowed_families(look)
    repeat = focus in allowed or must
    families = [
        focus
        if repeat and rng.random() < (0.65 if must else 0.5)
        else allowed[rng.integers(len(allowed))]
        for _ in range(count)
    ]
    if must:
        # The first one is kept even if the windows must be fewer.
        families[0] = focus
    return families


def _sample_windows(
    rng: np.random.Generator, duration: int, count: int
) -> List[Tuple[int, int]]:
    """At most ``count`` disjoint windows on the grid that fill at most 65 %."""
    cells = duration // GRID
    lengths = [int(n) // GRID for n in rng.choice(_LENGTHS, size=count, p=_LENGTH_ODDS)]
    while len(lengths) > 1 and sum(lengths) > 0.65 * cells:
        lengths.pop()
    inner = len(lengths) - 1
    slack = cells - sum(lengths) - inner
    cuts = np.sort(rng.integers(0, slack + 1, size=len(lengths)))
    windows, offset = [], 0
    for index, (cut, length) in enumerate(zip(cuts, lengths)):
        # One idle cell at least between two actions of an actor.
        start = int(cut) + offset + index
        windows.append((start * GRID, (start + length) * GRID))
        offset += length
    return windows


def _sample_actor(
    rng: np.random.Generator,
    look: Tuple[str, str],
    families: Sequence[str],
    windows: Sequence[Tuple[int, int]],
) -> Actor:
    size: Optional[str] = None
    if 'scale' in families:
        radius = SCALE_RADII[rng.integers(2)]
    else:
        size = ('small', 'big')[rng.integers(2)]
        radius = SIZES[size]
    state = State(rng.uniform(*RANGE), rng.uniform(*RANGE), radius)
    if 'bounce' in families:
        state = state._replace(y=rng.uniform(RANGE[0] + HOP, RANGE[1]))
    initial, actions = state, []
    for family, (start, end) in zip(families, windows):
        action = sample_action(rng, family, state, start, end)
        actions.append(action)
        state = action.after
    tilt = float(rng.uniform(-0.2, 0.2))
    return Actor(*look, size, tilt, initial, tuple(actions))


def sample_action(
    rng: np.random.Generator, family: str, state: State, start: float, end: float
) -> Action:
    """Draw an action of a family which is possible from a state."""
    length, sign = end - start, int(rng.choice((-1, 1)))
    cycles, after, kind = 0.0, state, FAMILIES[family][0]
    if family == 'slide':
        x = _travel(rng, state.x, sign)
        after = state._replace(x=x)
        kind = 'slide_left' if x < state.x else 'slide_right'
    elif family == 'lift':
        y = _travel(rng, state.y, sign)
        after = state._replace(y=y)
        kind = 'rise' if y < state.y else 'sink'
    elif family == 'scale':
        small = state.radius < np.mean(SCALE_RADII)
        after = state._replace(radius=SCALE_RADII[1 if small else 0])
        kind = 'grow' if small else 'shrink'
    elif family == 'spin':
        cycles = float(max(1, round(length * rng.uniform(0.45, 0.8))))
    elif family == 'blink':
        cycles = float(length * rng.uniform(0.7, 1.1))
    elif family == 'bounce':
        cycles = float(max(2, round(length * rng.uniform(0.7, 1.0))))
    elif family == 'shake':
        cycles = float(round(length * rng.uniform(1.9, 2.6)))
    return Action(kind, start, end, state, after, cycles, sign)


def _travel(rng: np.random.Generator, origin: float, sign: int) -> float:
    """A target at least a third of the frame away, in direction ``sign`` if it fits."""
    low, high = RANGE
    if not low <= origin + sign * _MIN_TRAVEL <= high:
        sign = -sign
    if sign < 0:
        return float(rng.uniform(low, origin - _MIN_TRAVEL))
    return float(rng.uniform(origin + _MIN_TRAVEL, high))


def _place(draw: Callable[[], Actor], others: Sequence[Actor], duration: int) -> Actor:
    """Draw an actor until it hardly hides the others; else take the best one."""
    best, least = None, np.inf
    times = np.arange(0.25, duration, 0.5)
    tracks = [actor_poses(other, times) for other in others]
    for _ in range(_TRIES):
        actor = draw()
        hidden = hidden_fraction(actor_poses(actor, times), tracks)
        if hidden < least:
            best, least = actor, hidden
        if least < 0.03:
            break
    return best
