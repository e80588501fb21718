"""What stored features know of MovingShapes' actions, as a linear map reads it.

    python tools/analysis_tools/probe_actions.py data/moving_shapes/demo \
        slowfast tiny_clip

For each folder under `features/` with one vector a clip, (T, C): the clips of the
stretches in `recognition/{split}.txt`, during which one action can be seen, are told
apart by a linear softmax. Its weight decay is chosen on `val`; the numbers are of
`test`, in percent of clips, and each question is a softmax of its own. Directions are
asked among clips of the pair only, so a guess is right half of the time.
"""

import argparse
import os.path as osp
from typing import Dict, List, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmvtg.datasets.action_lists import read_action_list
from mmvtg.datasets.feature_store import load_array
from mmvtg.datasets.moving_shapes.vocabulary import ACTIONS, FAMILIES, FAMILY_OF
from mmvtg.utils.tool_main import tool_main

Data = Tuple[Tensor, List[str]]  # (N, C) float32, and the action of each row
DECAYS = (1e-4, 1e-3, 1e-2, 1e-1)


def questions() -> Dict[str, Dict[str, str]]:
    """Name of a question -> {action: answer}; actions without one are left out."""
    found = {
        f'action (of {len(ACTIONS)})': {action: action for action in ACTIONS},
        f'family (of {len(FAMILIES)})': dict(FAMILY_OF),
    }
    for pair in FAMILIES.values():
        if len(pair) == 2:
            name = f'{pair[0]} or {pair[1]}'.replace('_', ' ')
            found[name] = {action: action for action in pair}
    return found


def load_split(root: str, features: str, split: str, fps: float) -> Data:
    """Rows of all stretches of a split.

    Raises:
        BadSampleError: A feature file is missing or of another shape.
    """
    rows, actions = [], []
    for item in read_action_list(f'{root}/recognition/{split}.txt', 'segments'):
        path = osp.join(root, 'features', features, f'{item["path"]}.npy')
        array = load_array(path, f'video {item["path"]}', {2: '(T, C)'})
        start, end = (round(second * fps) for second in item['window'])
        stretch = array[start:end].astype(np.float32)
        rows.append(stretch)
        actions += [item['label'].replace(' ', '_')] * len(stretch)
    return torch.from_numpy(np.concatenate(rows)), actions


def choose(data: Data, answers: Dict[str, str]) -> Tuple[Tensor, Tensor]:
    """The rows that a question is asked of, and the numbers of their answers."""
    kept = [i for i, action in enumerate(data[1]) if action in answers]
    number = {name: i for i, name in enumerate(sorted(set(answers.values())))}
    target = [number[answers[data[1][i]]] for i in kept]
    return data[0][kept], torch.tensor(target)


def fit(x: Tensor, y: Tensor, decay: float) -> Tensor:
    """(C + 1, classes) of a linear softmax with weight decay, by L-BFGS."""
    weight = torch.zeros(x.shape[1], int(y.max()) + 1, requires_grad=True)
    solver = torch.optim.LBFGS([weight], max_iter=200, line_search_fn='strong_wolfe')

    def closure() -> Tensor:
        solver.zero_grad()
        loss = F.cross_entropy(x @ weight, y) + decay * weight[:-1].square().sum()
        loss.backward()
        return loss

    solver.step(closure)
    return weight.detach()


def probe(splits: Dict[str, Data], answers: Dict[str, str]) -> Tuple[float, int]:
    """Percent right on ``test`` and how many clips that are."""
    chosen = {split: choose(data, answers) for split, data in splits.items()}
    mean, std = chosen['train'][0].mean(0), chosen['train'][0].std(0).clamp(min=1e-6)
    scaled = {
        split: (F.pad((x - mean) / std, (0, 1), value=1.0), y)
        for split, (x, y) in chosen.items()
    }

    def right(weight: Tensor, split: str) -> float:
        x, y = scaled[split]
        return float(((x @ weight).argmax(1) == y).float().mean())

    fitted = [fit(*scaled['train'], decay) for decay in DECAYS]
    best = max(fitted, key=lambda weight: right(weight, 'val'))
    return 100 * right(best, 'test'), len(scaled['test'][1])


@tool_main()
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('root', help='folder of the data set')
    parser.add_argument('features', nargs='+', help='folders under features/')
    parser.add_argument('--fps', type=float, default=1.0, help='clips per second')
    args = parser.parse_args()
    stores = {
        name: {
            split: load_split(args.root, name, split, args.fps)
            for split in ('train', 'val', 'test')
        }
        for name in args.features
    }
    print('| asked | ' + ' | '.join(args.features) + ' | clips |')
    print('| --- |' + ' ---: |' * (len(args.features) + 1))
    for question, answers in questions().items():
        results = [probe(splits, answers) for splits in stores.values()]
        shown = ' | '.join(f'{right:.1f} %' for right, _ in results)
        print(f'| {question} | {shown} | {results[0][1]} |')


if __name__ == '__main__':
    main()
