"""How actors move: pose over time, and time reversal."""

from dataclasses import dataclass, replace
from typing import NamedTuple, Optional, Tuple

import numpy as np

from .vocabulary import INVERSE

#: Where centres of actors may rest, in x and y, pixels at 128x128.
RANGE = (20.0, 108.0)
#: Height of a hop, pixels.
HOP = 24.0
#: Columns of a pose.
POSE_DIMS = 9
_SHAKE, _SHAKE_TILT = 5.0, 0.35
_DIM = 0.1
#: Trails in x, y and radius (in radii), and in angle (radians), by what changes.
_MOVE_TRAIL = np.array([0.8, 0.8, 0.45])
_SPIN_TRAIL, _SHAKE_TRAIL = 0.8, 0.4


class State(NamedTuple):
    """Where an idle actor is and its radius, pixels at 128x128."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Action:
    """Something an actor does from ``start`` to ``end`` (seconds).

    Attributes:
        kind: one of :data:`~.vocabulary.ACTIONS`.
        start: first second.
        end: last second.
        before: state at ``start``.
        after: state at ``end``.
        cycles: turns, blinks, hops or shakes in the whole window.
        sign: turn and shake direction, +1 or -1.
    """

    kind: str
    start: float
    end: float
    before: State
    after: State
    cycles: float
    sign: int


@dataclass(frozen=True)
class Actor:
    """A coloured shape and what it does.

    Attributes:
        colour: key of :data:`~.vocabulary.COLOURS`.
        shape: one of :data:`~.vocabulary.SHAPES`.
        size: 'small' or 'big'; None for actors that grow or shrink.
        tilt: angle while idle, radians.
        initial: state at the start of the video.
        actions: in order of time, disjoint.
    """

    colour: str
    shape: str
    size: Optional[str]
    tilt: float
    initial: State
    actions: Tuple[Action, ...]


def ease(progress: np.ndarray) -> np.ndarray:
    """Course of a movement, point-symmetric so that backwards is the same course."""
    return 0.6 * progress + 0.4 * progress * progress * (3 - 2 * progress)


def actor_poses(actor: Actor, times: np.ndarray) -> np.ndarray:
    """Pose of an actor over time.

    Args:
        actor: the actor.
        times: ``(N,)`` seconds.

    Returns:
        np.ndarray: ``(N, POSE_DIMS)`` float64: x, y, radius (pixels at 128x128), angle
        (radians), opacity (0 to 1), and the trail in x, y, radius and angle: as in a
        long exposure, the actor shows faintly on both sides of its pose. So a frame
        tells that something moves along an axis, and not which way.
    """
    times = np.asarray(times, dtype=np.float64)
    poses = np.zeros((len(times), POSE_DIMS))
    poses[:, :3] = actor.initial
    poses[:, 3] = actor.tilt
    poses[:, 4] = 1.0
    for action in actor.actions:
        poses[times >= action.end, :3] = action.after
        inside = (times >= action.start) & (times < action.end)
        if inside.any():
            progress = (times[inside] - action.start) / (action.end - action.start)
            poses[inside] = acting_poses(action, progress, actor.tilt)
    return poses


def acting_poses(action: Action, progress: np.ndarray, tilt: float) -> np.ndarray:
    """Pose during an action at ``progress`` ``(N,)`` in [0, 1]: (N, POSE_DIMS)."""
    poses = np.zeros((len(progress), POSE_DIMS))
    before, after = np.array(action.before), np.array(action.after)
    poses[:, :3] = before + ease(progress)[:, None] * (after - before)
    poses[:, 3] = tilt
    poses[:, 4] = 1.0
    cycle = 2 * np.pi * action.cycles
    if action.kind == 'spin':
        poses[:, 3] += action.sign * cycle * progress
        poses[:, 8] = _SPIN_TRAIL
    elif action.kind == 'blink':
        wave = 0.5 + 0.5 * action.sign * np.cos(cycle * (progress - 0.5))
        poses[:, 4] = _DIM + (1 - _DIM) * wave
    elif action.kind == 'bounce':
        # Up, or down where there is no room above.
        up = action.before.y - HOP > RANGE[0] - 8
        hop = HOP * np.abs(np.sin(0.5 * cycle * progress))
        poses[:, 1] += -hop if up else hop
    elif action.kind == 'shake':
        swing = action.sign * np.sin(cycle * (progress - 0.5))
        poses[:, 0] += _SHAKE * swing
        poses[:, 3] += _SHAKE_TILT * swing
        poses[:, 5] = _SHAKE_TRAIL * poses[:, 2]
        poses[:, 8] = -_SHAKE_TRAIL
    poses[:, 5:8] += (before != after) * _MOVE_TRAIL * poses[:, 2:3]
    return poses


def reverse_action(action: Action, duration: float) -> Action:
    """The action as it looks in the backwards played video of ``duration`` s."""
    odd = action.kind in ('spin', 'shake')
    return replace(
        action,
        kind=INVERSE[action.kind],
        start=duration - action.end,
        end=duration - action.start,
        before=action.after,
        after=action.before,
        sign=-action.sign if odd else action.sign,
    )
