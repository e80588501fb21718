"""Scenes -> RGB frames."""

from functools import lru_cache
from typing import Dict, Iterable

import cv2
import numpy as np

from .motion import actor_poses
from .scene import FPS, RESOLUTION, Background, Scene
from .vocabulary import COLOURS, SHAPES

_PAD = 16
_SHIFT = 4
_NOISE_SIDE, _NOISE_LEVEL = 256, 3.0
_INK = (18, 18, 18)
_GHOST = 0.35


def render_frames(scene: Scene, times: np.ndarray, noise: bool = True) -> np.ndarray:
    """Render a scene at the given times.

    Args:
        scene: the scene.
        times: ``(N,)`` seconds, see :func:`~.scene.frame_times`.
        noise: whether the camera is noisy.

    Returns:
        np.ndarray: ``(N, 128, 128, 3)`` uint8, RGB.
    """
    times = np.asarray(times, dtype=np.float64)
    frames = np.empty((len(times), RESOLUTION, RESOLUTION, 3), dtype=np.uint8)
    background = scene.background
    texture = make_texture(background.texture)
    offsets = camera_offsets(background, times)
    tracks = [(actor, actor_poses(actor, times)) for actor in scene.actors]
    for index, frame in enumerate(frames):
        shoot_background(texture, offsets[index], frame)
        for actor, poses in tracks:
            draw_actor(frame, actor.colour, actor.shape, poses[index])
        if noise:
            add_noise(frame, background.noise + int(times[index] * FPS))
    return frames


def camera_offsets(background: Background, times: np.ndarray) -> np.ndarray:
    """Camera offsets ``(N, 2)`` in pixels from the texture's middle."""
    turns = 2 * np.pi * np.asarray(times)[:, None] / np.array(background.period)
    return np.array(background.amplitude) * np.sin(turns + np.array(background.phase))


@lru_cache(maxsize=8)
def make_texture(seed: int) -> np.ndarray:
    """A blotchy, rather grey texture, ``(160, 160, 3)`` uint8."""
    rng = np.random.default_rng(seed)
    side = RESOLUTION + 2 * _PAD
    luma = np.zeros((side, side), dtype=np.float32)
    for cells, weight in ((4, 26.0), (10, 16.0), (32, 9.0)):
        grid = rng.standard_normal((cells, cells), dtype=np.float32)
        luma += weight * cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC)
    base = rng.uniform(75, 125) + rng.uniform(-9, 9, 3)
    texture = luma[..., None] * np.float32(0.7) + base.astype(np.float32)
    return np.clip(texture, 30, 175).astype(np.uint8)


def shoot_background(
    texture: np.ndarray, offset: Iterable[float], frame: np.ndarray
) -> None:
    """Write the visible part of a texture into ``frame`` ``(128, 128, 3)``."""
    dx, dy = offset
    matrix = np.array([[1, 0, _PAD + dx], [0, 1, _PAD + dy]], dtype=np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cv2.warpAffine(texture, matrix, frame.shape[1::-1], dst=frame, flags=flags)


def draw_actor(frame: np.ndarray, colour: str, shape: str, pose: np.ndarray) -> None:
    """Draw an actor and its trail at a pose (see :func:`~.motion.actor_poses`)."""
    state, alpha, trail = pose[:4], pose[4], pose[5:]
    if trail.any():
        for side in (-1, 1):
            _draw_shape(frame, colour, shape, state + side * trail, _GHOST * alpha)
    _draw_shape(frame, colour, shape, state, alpha)


def _draw_shape(
    frame: np.ndarray,
    colour: str,
    shape: str,
    state: np.ndarray,
    alpha: float,
) -> None:
    x, y, radius, angle = state
    target = frame if alpha > 0.999 else frame.copy()
    cos, sin = np.cos(angle) * radius, np.sin(angle) * radius
    # cv2 has pixel centres at integers, we have them at halves.
    turn, centre = np.array([[cos, sin], [-sin, cos]]), np.array([x - 0.5, y - 0.5])
    outline, hand = (
        np.rint((points @ turn + centre) * (1 << _SHIFT)).astype(np.int32)
        for points in (_outlines()[shape], _HAND)
    )
    cv2.fillPoly(target, [outline], COLOURS[colour], cv2.LINE_AA, _SHIFT)
    cv2.polylines(target, [outline], True, _INK, 1, cv2.LINE_AA, _SHIFT)
    cv2.fillPoly(target, [hand], _INK, cv2.LINE_AA, _SHIFT)
    if target is not frame:
        cv2.addWeighted(target, alpha, frame, 1 - alpha, 0, dst=frame)


def add_noise(frame: np.ndarray, number: int) -> None:
    """Add grey camera noise to ``frame`` in place; the same for the same number."""
    brighter, darker = _noise_tiles()
    spread = (number * 2654435761) & 0xFFFFFFFF
    span = _NOISE_SIDE - RESOLUTION
    top, left = (spread >> 8) % span, (spread >> 18) % span
    crop = np.s_[top : top + RESOLUTION, left : left + RESOLUTION]
    cv2.add(frame, brighter[crop], dst=frame)
    cv2.subtract(frame, darker[crop], dst=frame)


@lru_cache(maxsize=1)
def _noise_tiles() -> tuple:
    rng = np.random.default_rng(20_240_101)
    noise = rng.normal(0, _NOISE_LEVEL, (_NOISE_SIDE, _NOISE_SIDE))
    noise = np.repeat(np.rint(noise)[..., None], 3, axis=2)
    return tuple(np.clip(part, 0, 255).astype(np.uint8) for part in (noise, -noise))


def _polar(radii: Iterable[float], start: float = -np.pi / 2) -> np.ndarray:
    radii = np.array(list(radii))
    angles = start + 2 * np.pi * np.arange(len(radii)) / len(radii)
    return radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)


@lru_cache(maxsize=1)
def _outlines() -> Dict[str, np.ndarray]:
    """Corner points of each shape around the origin at radius about one."""
    a, b = 0.36, 1.08
    cross = [(-a, -b), (a, -b), (a, -a), (b, -a), (b, a), (a, a)]
    cross += [(-x, -y) for x, y in cross]
    outlines = {
        'circle': _polar([1.0] * 28),
        'square': _polar([1.22] * 4, start=-np.pi / 4),
        'triangle': _polar([1.28] * 3),
        'star': _polar([1.32, 0.55] * 5),
        'cross': np.array(cross),
    }
    return {shape: outlines[shape] for shape in SHAPES}


#: A clock hand on every shape, which makes turning visible on a circle too.
_HAND = np.array([(-0.1, 0.1), (-0.1, -0.62), (0.1, -0.62), (0.1, 0.1)])
