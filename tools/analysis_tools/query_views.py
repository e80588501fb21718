"""Is a model heard by its nouns or by its other words? (VDI, Figure 3)

    python tools/analysis_tools/query_views.py CONFIG CHECKPOINT [CHECKPOINT ...]

Asks for the moments of the test set with whole queries, with their noun chunks alone
(static) and with the other words alone (dynamic). Only queries that have both parts are
asked, so that all three ask for the same moments. Several checkpoints, such as those of
several seeds, give mean ± standard deviation. Needs spaCy, or --parses.

--others also asks each video with the query of another one: a model that finds as many
moments then does not listen to its query.
"""

import argparse
import copy
import json
import statistics
import sys
from typing import Any, Dict, List, Optional

import torch
from mmengine.runner import Runner

from mmvtg.datasets.transforms import SplitQuery, TokenizeQuery
from mmvtg.engine.loading import load_weights
from mmvtg.evaluation.functional import evaluate_submission
from mmvtg.registry import (
    METRICS,
    MODELS,
    TRANSFORMS,
    is_kind,
    register_all_modules,
)
from mmvtg.utils import write_atomic
from mmvtg.utils.launch import ConfigOptions, load_config
from mmvtg.utils.tool_main import tool_main

VIEWS = ('full', 'static', 'dynamic')
OTHERS = 'others'


def insert_split(pipeline: List[dict], view: str, parses: Optional[str]) -> List[dict]:
    """The pipeline with a :class:`SplitQuery` before its :class:`TokenizeQuery`.

    Raises:
        ValueError: It has none, so that the model reads stored queries.
    """
    pipeline = [step for step in pipeline if not is_kind(step, SplitQuery, TRANSFORMS)]
    tokenizers = [is_kind(step, TokenizeQuery, TRANSFORMS) for step in pipeline]
    if not any(tokenizers):
        raise ValueError(
            'the test pipeline has no TokenizeQuery: a model on stored queries cannot '
            'be asked with parts of them'
        )
    place = tokenizers.index(True)
    split = dict(type='SplitQuery', view=view, parses=parses)
    return [*pipeline[:place], split, *pipeline[place:]]


def exchange_queries(batch: dict) -> dict:
    """Each sample asks what the next one of another video asks, if there is one."""
    tokens = batch['inputs']['query']
    videos = [sample.metainfo['video_id'] for sample in batch['data_samples']]
    order = list(range(len(videos)))
    taken = []
    for i, video in enumerate(videos):
        later = order[i + 1 :] + order[:i]
        taken.append(next((j for j in later if videos[j] != video), i))
    return dict(batch, inputs=dict(batch['inputs'], query=[tokens[j] for j in taken]))


@torch.no_grad()
def ask(
    model: Any, loader: Any, metric: dict, others: bool = False
) -> Dict[str, float]:
    """Recall and mean IoU over the queries that have both parts."""
    metric = METRICS.build(dict(metric, submission_file=None))
    for batch in loader:
        batch = exchange_queries(batch) if others else batch
        samples = [
            sample.to_dict()
            for sample in model.test_step(batch)
            if sample.metainfo['static_ids'] and sample.metainfo['dynamic_ids']
        ]
        metric.process(None, samples)
    if not metric.results:
        raise ValueError('no query of the test set has both parts')
    submission, ground_truth = (
        [item[side] for item in metric.results] for side in ('pred', 'gt')
    )
    found = evaluate_submission(submission, ground_truth, 'recall', float('inf'))
    full = found['full']
    values = {f'R1@{t}': v for t, v in full['MR-R1'].items()}
    return dict(values, mIoU=full['MR-mIoU'], queries=len(submission))


def compare(
    cfg: Any, checkpoints: List[str], parses: Optional[str], others: bool = False
) -> dict:
    """View -> measure -> one value a checkpoint."""
    loader_cfg = copy.deepcopy(cfg.test_dataloader)
    loader_cfg.update(num_workers=0, persistent_workers=False)
    pipeline = list(loader_cfg.dataset.pipeline)
    loaders = {}
    for view in VIEWS:
        loader_cfg.dataset.pipeline = insert_split(pipeline, view, parses)
        loaders[view] = Runner.build_dataloader(copy.deepcopy(loader_cfg))
    if others:
        loaders[OTHERS] = loaders['full']
    model = MODELS.build(cfg.model).eval()
    found: dict = {view: {} for view in loaders}
    for checkpoint in checkpoints:
        load_weights(model, checkpoint)
        for view, loader in loaders.items():
            values = ask(model, loader, cfg.test_evaluator, view == OTHERS)
            for name, value in values.items():
                found[view].setdefault(name, []).append(value)
    return found


def show(found: dict) -> str:
    """A table, a line a view."""
    names = [name for name in found['full'] if name != 'queries']
    lines = [f'{found["full"]["queries"][0]} queries with both parts']
    lines.append(' '.join([f'{"query":8}', *(f'{name:>14}' for name in names)]))
    for view, values in found.items():
        cells = [f'{_cell(values[name]):>14}' for name in names]
        lines.append(' '.join([f'{view:8}', *cells]))
    return '\n'.join(lines)


def _cell(values: List[float]) -> str:
    mean = f'{statistics.mean(values):.2f}'
    return f'{mean} ± {statistics.stdev(values):.2f}' if len(values) > 1 else mean


@tool_main(also=(ValueError,))
def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument('checkpoints', nargs='+', help='of one config')
    parser.add_argument('--parses', help='file of parse_queries.py')
    parser.add_argument(
        '--others', action='store_true', help='also with queries of other videos'
    )
    parser.add_argument('--out', help='JSON file with the values of each checkpoint')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    args = parser.parse_args()
    register_all_modules()
    cfg = load_config(args.config, args.cfg_options)
    found = compare(cfg, args.checkpoints, args.parses, args.others)
    print(show(found))
    if args.out:
        write_atomic(args.out, (json.dumps(found, indent=4) + '\n').encode())
    return 0


if __name__ == '__main__':
    sys.exit(main())
