"""Single frames with captions, made on the fly, to pre-train a tiny CLIP on."""

from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import cv2
import numpy as np
import torch

from mmvtg.registry import DATASETS

from .language import noun_chunk, with_article
from .motion import HOP, POSE_DIMS, RANGE, State, acting_poses
from .render import add_noise, draw_actor, make_texture, shoot_background
from .sampling import SCALE_RADII, sample_action, sample_looks
from .scene import RESOLUTION
from .vocabulary import FAMILIES, SIZES, is_heldout, pick_verb

_SPLITS = ('train', 'val')
_TEXTURES = 48
_HELDOUT_ODDS = 0.4


class FrameActor(NamedTuple):
    """An actor of a frame: ``family`` is what it is in the middle of, if anything."""

    colour: str
    shape: str
    size: Optional[str]
    family: Optional[str]


@dataclass(frozen=True)
class FrameAttributes:
    """What a frame shows.

    Attributes:
        actors: all actors of the frame.
        mentioned: places in ``actors`` that the caption speaks of, in its order.
    """

    actors: Tuple[FrameActor, ...]
    mentioned: Tuple[int, ...]


@DATASETS.register_module()
class MovingShapesFrames(torch.utils.data.Dataset):
    """Pairs of a random frame and a caption of what a single image can show.

    Captions use all paraphrases, the held-out ones too: a CLIP has read more words than
    the grounding model is trained on. A verb may be named, its direction is drawn at
    random, so captions carry no signal about direction; verbs never complete a held-out
    triple. An item depends on nothing but (seed, split, index); the splits share no
    scene and no texture.

    Args:
        length: number of items.
        split: 'train' or 'val'.
        seed: seed of all scenes.
        image_size: side of the square image, pixels.
        actor_odds: how likely one, two and three actors are.
    """

    def __init__(
        self,
        length: int,
        split: str = 'train',
        seed: int = 0,
        image_size: int = 64,
        actor_odds: Tuple[float, float, float] = (0.3, 0.4, 0.3),
    ) -> None:
        if split not in _SPLITS:
            raise ValueError(
                f'MovingShapesFrames has no split {split!r}; choose one of {_SPLITS}'
            )
        if length < 1:
            raise ValueError(f'length must be positive, got {length}')
        self.length = length
        self.split = split
        self.seed = seed
        self.image_size = image_size
        self.actor_odds = actor_odds
        self._entropy = (seed, 7, _SPLITS.index(split))
        self._textures: List[np.ndarray] = []

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Dict[str, Any]:
        """Make an item.

        Returns:
            dict: ``inputs`` with ``image`` ``(3, S, S)`` uint8 RGB, ``caption``,
            ``attributes``.
        """
        if not -self.length <= index < self.length:
            raise IndexError(f'item {index} of {self.length}')
        rng = np.random.default_rng([*self._entropy, index % self.length])
        actors, poses = _sample_actors(rng, self.actor_odds)
        image = self._shoot(rng, actors, poses)
        caption, mentioned = _sample_caption(rng, actors)
        return dict(
            inputs=dict(image=torch.from_numpy(image)),
            caption=caption,
            attributes=FrameAttributes(tuple(actors), mentioned),
        )

    def _shoot(
        self, rng: np.random.Generator, actors: List[FrameActor], poses: np.ndarray
    ) -> np.ndarray:
        frame = np.empty((RESOLUTION, RESOLUTION, 3), dtype=np.uint8)
        texture = self._texture_bank()[rng.integers(_TEXTURES)]
        texture = texture[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]
        texture = np.ascontiguousarray(texture)
        shoot_background(texture, rng.uniform(-12, 12, 2), frame)
        for actor, pose in zip(actors, poses):
            draw_actor(frame, actor.colour, actor.shape, pose)
        add_noise(frame, int(rng.integers(2**31)))
        side = (self.image_size, self.image_size)
        frame = cv2.resize(frame, side, interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(frame.transpose(2, 0, 1))

    def _texture_bank(self) -> List[np.ndarray]:
        if not self._textures:
            seeds = np.random.default_rng(self._entropy).integers(2**31, size=_TEXTURES)
            self._textures = [make_texture.__wrapped__(int(seed)) for seed in seeds]
        return self._textures


def _sample_actors(
    rng: np.random.Generator, odds: Tuple[float, float, float]
) -> Tuple[List[FrameActor], np.ndarray]:
    """1 to 3 actors and their poses, hardly hiding each other."""
    looks = sample_looks(rng, int(rng.choice((1, 2, 3), p=odds)))
    actors, poses = [], np.empty((len(looks), POSE_DIMS))
    for place, (colour, shape) in enumerate(looks):
        family = list(FAMILIES)[rng.integers(len(FAMILIES))]
        if rng.random() < 0.4 or is_heldout(colour, shape, FAMILIES[family][0]):
            family = None
        scales = family == 'scale' or rng.random() < 0.15
        size = None if scales else ('small', 'big')[rng.integers(2)]
        radius = SIZES[size] if size else SCALE_RADII[rng.integers(2)]
        for _ in range(12):
            pose = _sample_pose(rng, family, radius)
            apart = np.hypot(*(poses[:place, :2] - pose[:2]).T)
            if (apart > 0.85 * (poses[:place, 2] + pose[2])).all():
                break
        actors.append(FrameActor(colour, shape, size, family))
        poses[place] = pose
    return actors, poses


def _sample_pose(
    rng: np.random.Generator, family: Optional[str], radius: float
) -> np.ndarray:
    tilt = rng.uniform(-0.2, 0.2)
    low = RANGE[0] + (HOP if family == 'bounce' else 0)
    state = State(rng.uniform(*RANGE), rng.uniform(low, RANGE[1]), radius)
    if family is None:
        return np.array([*state, tilt, 1.0, 0.0, 0.0, 0.0, 0.0])
    action = sample_action(rng, family, state, 0, 2 * int(rng.integers(1, 7)))
    return acting_poses(action, rng.random(1), tilt)[0]


def _sample_caption(
    rng: np.random.Generator, actors: List[FrameActor]
) -> Tuple[str, Tuple[int, ...]]:
    """A caption and the actors it names; seldom not all of them."""
    order = rng.permutation(len(actors)).tolist()
    if rng.random() < 0.1:
        order = order[:1]
    parts = [_sample_phrase(rng, actors[place]) for place in order]
    return ' and '.join(parts), tuple(order)


def _sample_phrase(rng: np.random.Generator, actor: FrameActor) -> str:
    colour, shape, size = actor.colour, actor.shape, actor.size
    vague = rng.random()
    if vague < 0.06:
        colour = None
    elif vague < 0.12:
        shape = None
    if size and rng.random() < 0.5:
        size = None
    phrase = noun_chunk(rng, colour, shape, size, _HELDOUT_ODDS)
    if not phrase.startswith('something'):
        phrase = with_article(phrase)
    if actor.family is None or rng.random() < 0.35:
        return phrase
    pair = FAMILIES[actor.family]
    finite, progressive = pick_verb(rng, pair[rng.integers(len(pair))], _HELDOUT_ODDS)
    forms = (finite, f'is {progressive}', progressive)
    return f'{phrase} {forms[rng.integers(3)]}'
