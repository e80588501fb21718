"""What a CLIP knows of MovingShapes: colours, shapes, words, and not directions.

    python tools/analysis_tools/probe_tiny_clip.py [--pretrained WEIGHTS.safetensors]

Prints retrieval on held-out frames and captions, and how often the right word wins
among captions that differ in one word only. Directions are asked of frames in the
middle of a movement; an image cannot tell them, so that row must lie at 50. Places are
read by a linear map: patches should know them.
"""

import argparse
import json
from typing import Callable, Dict, Iterator, List, Tuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from mmvtg.datasets.moving_shapes import actor_poses, render_frames, sample_scene
from mmvtg.datasets.moving_shapes.frames import MovingShapesFrames
from mmvtg.datasets.moving_shapes.vocabulary import (
    COLOUR_WORDS,
    INVERSE,
    SHAPE_WORDS,
    SIZE_WORDS,
    VERBS,
)
from mmvtg.datasets.transforms.tokenize import tokenize
from mmvtg.evaluation.metrics import CaptionRetrievalMetric
from mmvtg.registry import MODELS, register_all_modules
from mmvtg.utils.tool_main import tool_main

Question = Tuple[np.ndarray, List[str], int]  # image, captions, which is right


class Probe:
    """Embeds images and captions with both towers."""

    def __init__(self, model: str, pretrained: str) -> None:
        config = dict(model=model, pretrained=pretrained)
        self.vision = MODELS.build(dict(type='CLIPVisionTower', **config)).eval()
        self.text = MODELS.build(dict(type='CLIPTextTower', **config)).eval()

    @torch.inference_mode()
    def images(self, images: List[np.ndarray]) -> torch.Tensor:
        chunks = torch.from_numpy(np.stack(images)).split(256)
        pooled = torch.cat([self.vision.encode(chunk)[0] for chunk in chunks])
        return F.normalize(pooled, dim=-1)

    @torch.inference_mode()
    def texts(self, captions: List[str]) -> torch.Tensor:
        ids = [torch.tensor(tokenize(caption)) for caption in captions]
        query = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True)
        lengths = torch.tensor([len(one) for one in ids])
        mask = torch.arange(query.shape[1]) < lengths[:, None]
        return F.normalize(self.text(query, mask).pooled, dim=-1)

    def accuracy(self, questions: List[Question]) -> float:
        """Percent of questions in which the right caption is the nearest."""
        known = sorted({caption for _, options, _ in questions for caption in options})
        place = {caption: index for index, caption in enumerate(known)}
        cosines = self.images([image for image, _, _ in questions])
        cosines = (cosines @ self.texts(known).T).numpy()
        right = [
            int(np.argmax(row[[place[caption] for caption in options]])) == answer
            for row, (_, options, answer) in zip(cosines, questions)
        ]
        return round(100 * float(np.mean(right)), 1)


def retrieval(probe: Probe, count: int) -> Dict[str, float]:
    """R@1 and R@5 on the val split."""
    items = list(_frames(count))
    captions = [item['caption'] for item in items]
    images = probe.images([item['inputs']['image'].numpy() for item in items])
    metric = CaptionRetrievalMetric()
    metric.process(dict(caption=captions), [images, probe.texts(captions)])
    return metric.compute_metrics(metric.results)


def _frames(count: int) -> Iterator[dict]:
    data = MovingShapesFrames(count, split='val')
    return (data[index] for index in range(count))


def word_questions(count: int, slot: str, heldout: bool) -> List[Question]:
    """Frames with one actor, and captions that differ in one word."""
    words = dict(colour=COLOUR_WORDS, shape=SHAPE_WORDS, size=SIZE_WORDS)[slot]
    questions = []
    for item in _frames(count):
        actors = item['attributes'].actors
        if len(actors) != 1 or getattr(actors[0], slot) not in words:
            continue
        seen = actors[0]
        options = []
        for word in words.values():
            told = word.heldout[0] if heldout else word.train[0]
            parts = dict(colour=seen.colour, shape=seen.shape, size='')
            parts[slot] = told
            text = f'a {parts["size"]} {parts["colour"]} {parts["shape"]}'
            options.append(' '.join(text.split()))
        image = item['inputs']['image'].numpy()
        questions.append((image, options, list(words).index(getattr(seen, slot))))
    return questions


def direction_questions(count: int) -> List[Question]:
    """Frames in the middle of a movement, and the movement's two directions."""
    questions = []
    for index in range(count):
        rng = np.random.default_rng([11, index])
        scene = sample_scene(rng)
        moves = [
            (actor, action)
            for actor in scene.actors
            for action in actor.actions
            if INVERSE[action.kind] != action.kind
        ]
        if not moves:
            continue
        actor, action = moves[rng.integers(len(moves))]
        time = rng.uniform(action.start, action.end)
        image = _shrink(render_frames(scene, np.array([time]))[0])
        kinds = sorted((action.kind, INVERSE[action.kind]))
        options = [f'a {actor.colour} {actor.shape} {_finite(kind)}' for kind in kinds]
        questions.append((image, options, kinds.index(action.kind)))
    return questions


def place_errors(probe: Probe, count: int) -> Dict[str, float]:
    """How exactly a linear map reads places of actors, RMS pixels at 128x128.

    From the mean of the last layer's patches that an actor covers, from the class token
    alone, and what guessing the mean place gives. Fitted on 70 % of the frames.
    """
    frames, places, covers = [], [], []
    middle = 16 * np.arange(8) + 8
    for index in range(count):
        rng = np.random.default_rng([12, index])
        scene = sample_scene(rng)
        time = np.array([rng.uniform(0, scene.duration)])
        x, y, radius = actor_poses(scene.actors[0], time)[0, :3]
        frames.append(_shrink(render_frames(scene, time)[0]))
        places.append((x, y))
        far = np.hypot(middle[:, None] - y, middle[None] - x)
        covers.append((far < radius + 8).ravel())
    with torch.inference_mode():
        chunks = torch.from_numpy(np.stack(frames)).split(256)
        tokens = torch.cat([probe.vision.encode_tokens(one)[0] for one in chunks])
    weights = torch.tensor(np.stack(covers)).float()
    weights = weights / weights.sum(1, keepdim=True).clamp(min=1)
    own = torch.einsum('np,npd->nd', weights, tokens[:, 1:])
    target = torch.tensor(places).float()
    known = {'own patches': own, 'class token': tokens[:, 0], 'nothing': own[:, :0]}
    return {name: _linear_error(x, target) for name, x in known.items()}


def _linear_error(x: torch.Tensor, target: torch.Tensor) -> float:
    fit = int(0.7 * len(x))
    x = torch.cat([(x - x[:fit].mean(0)) / x[:fit].std(0), torch.ones(len(x), 1)], 1)
    solved = torch.linalg.lstsq(x[:fit], target[:fit]).solution
    error = (x[fit:] @ solved - target[fit:]).square().mean().sqrt()
    return round(float(error), 1)


def _shrink(frame: np.ndarray) -> np.ndarray:
    """(128, 128, 3) to (3, 64, 64)."""
    small = cv2.resize(frame, (64, 64), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small.transpose(2, 0, 1))


def _finite(kind: str) -> str:
    return VERBS[kind].train[0].split(' / ')[0]


@tool_main()
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--model', default='tiny-clip')
    parser.add_argument('--pretrained', default='shipped', help='tag or weights file')
    parser.add_argument('--count', type=int, default=1024, help='frames a question')
    parser.add_argument('--out', help='write the numbers to this JSON file')
    args = parser.parse_args()
    register_all_modules()
    probe = Probe(args.model, args.pretrained)
    results: Dict[str, object] = {'retrieval': retrieval(probe, args.count)}
    rows: Dict[str, Callable[[], List[Question]]] = {
        'colour (of 6)': lambda: word_questions(args.count, 'colour', False),
        'colour, rare words': lambda: word_questions(args.count, 'colour', True),
        'shape (of 5)': lambda: word_questions(args.count, 'shape', False),
        'shape, rare words': lambda: word_questions(args.count, 'shape', True),
        'size (of 2)': lambda: word_questions(args.count, 'size', False),
        'direction (of 2)': lambda: direction_questions(args.count),
    }
    for name, make in rows.items():
        questions = make()
        right = probe.accuracy(questions)
        results[name] = dict(accuracy=right, frames=len(questions))
        print(f'{name:<20} {right:5.1f} %  of {len(questions)} frames')
    results['place'] = place_errors(probe, args.count)
    for name, error in results['place'].items():
        print(f'place from {name}: {error} of 128 pixels')
    for name, value in results['retrieval'].items():
        print(f'{name:<20} {value}')
    if args.out:
        with open(args.out, 'w') as file:
            json.dump(results, file, indent=1)


if __name__ == '__main__':
    main()
