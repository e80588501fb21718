"""Scenes of MovingShapes: who is there, on which background, for how long."""

from dataclasses import dataclass, replace
from typing import Sequence, Tuple

import numpy as np

from .motion import Actor, reverse_action

FPS = 8
RESOLUTION = 128
#: Actions and windows lie on this grid, in seconds.
GRID = 2


@dataclass(frozen=True)
class Background:
    """A texture and the slow drift of the camera over it.

    Attributes:
        texture: number of the texture.
        noise: number of the noise sequence.
        amplitude: of the drift in x and y, pixels.
        period: of the drift in x and y, seconds.
        phase: of the drift in x and y, radians.
    """

    texture: int
    noise: int
    amplitude: Tuple[float, float]
    period: Tuple[float, float]
    phase: Tuple[float, float]


@dataclass(frozen=True)
class Scene:
    """A whole video: ``duration`` in seconds (an even integer)."""

    duration: int
    actors: Tuple[Actor, ...]
    background: Background


def reverse_scene(scene: Scene) -> Scene:
    """The scene played backwards (the noise of the camera excepted)."""
    background = scene.background
    phase = tuple(
        np.pi - phase - 2 * np.pi * scene.duration / period
        for phase, period in zip(background.phase, background.period)
    )
    actors = tuple(
        replace(
            actor,
            initial=actor.actions[-1].after if actor.actions else actor.initial,
            actions=tuple(
                reverse_action(action, scene.duration)
                for action in reversed(actor.actions)
            ),
        )
        for actor in scene.actors
    )
    return replace(scene, actors=actors, background=replace(background, phase=phase))


def frame_times(duration: float) -> np.ndarray:
    """Times of a video's frames, each in the middle of its display interval, s."""
    return (np.arange(int(round(duration * FPS))) + 0.5) / FPS


def sample_background(rng: np.random.Generator) -> Background:
    """Draw a background."""
    return Background(
        texture=int(rng.integers(2**31)),
        noise=int(rng.integers(2**31)),
        amplitude=tuple(rng.uniform(3, 12, 2).tolist()),
        period=tuple(rng.uniform(30, 90, 2).tolist()),
        phase=tuple(rng.uniform(0, 2 * np.pi, 2).tolist()),
    )


def hidden_fraction(poses: np.ndarray, others: Sequence[np.ndarray]) -> float:
    """Share of times at which an actor clearly overlaps others, from their poses."""
    hidden = np.zeros(len(poses), dtype=bool)
    for other in others:
        distance = np.hypot(*(poses[:, :2] - other[:, :2]).T)
        hidden |= distance < 0.8 * (poses[:, 2] + other[:, 2])
    return float(hidden.mean()) if len(hidden) else 0.0
