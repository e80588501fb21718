"""Make a checkpoint of a training ready for others: weights alone, and their hash.

    python tools/publish_model.py work_dirs/r2-tuning_.../epoch_10.pth mmvtg/weights
    python tools/publish_model.py work_dirs/NAME_seeds/seed_0/epoch_10.pth FOLDER \\
        --metrics R1@0.5=MR-full-R1@0.5 mAP=MR-full-mAP

What only a resumed training needs (optimiser, schedules, logs) is left out. Writes
FOLDER/CONFIG.safetensors, with the epoch and the seed beside the weights, and the
numbers of the training's log to FOLDER/CONFIG.jsonl; prints the lines of the metafile,
with --metrics also what tools/train_seeds.py found, under names for readers. The
weights run no code when they are loaded.
"""

import argparse
import json
import os.path as osp
import sys
from glob import glob
from typing import Dict, List, Optional

from safetensors.torch import save_file

from mmvtg.engine.loading import load_from_local
from mmvtg.utils.download import file_hash
from mmvtg.utils.files import replacing, write_atomic
from mmvtg.utils.tool_main import tool_main
from mmvtg.utils.tool_runs import spread_text


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoint', help='of a training')
    parser.add_argument('folder', help='where the file goes')
    parser.add_argument('--name', help='of the model (the name of its config)')
    parser.add_argument(
        '--metrics',
        nargs='+',
        default=[],
        metavar='NAME=KEY',
        help='of seeds.json beside the folder of the seed',
    )
    return parser.parse_args(argv)


def publish(checkpoint: str, target: str) -> str:
    """Write the weights of a checkpoint, and return the SHA-256 of the file.

    Raises:
        ValueError: It holds no weights, or no record of the training.
    """
    content = load_from_local(checkpoint)
    if not content.get('state_dict') or 'meta' not in content:
        raise ValueError(f'{checkpoint} is no checkpoint of a training of mmengine')
    weights = {k: v.contiguous().cpu() for k, v in content['state_dict'].items()}
    # the resolved config stays out: it holds paths of the machine that trained
    kept = {key: content['meta'].get(key) for key in ('epoch', 'seed')}
    features = (content['meta'].get('dataset_meta') or {}).get('features')
    if features:  # inferencers compare their towers with it
        kept['features'] = features
    with replacing(target) as temporary:
        # one entry: the format writes several in an order drawn by chance
        save_file(weights, temporary, metadata={'training': json.dumps(kept)})
    return file_hash(target)


def publish_log(work_dir: str, target: str) -> None:
    """Write the scalars that mmengine logged, a JSON object a line, in order of time.

    Raises:
        FileNotFoundError: There is no log.
    """
    logs = sorted(glob(osp.join(work_dir, '*', 'vis_data', 'scalars.json')))
    if not logs:
        raise FileNotFoundError(f'{work_dir}: there is no */vis_data/scalars.json')
    lines = []
    for log in logs:  # a resumed training has several
        with open(log, encoding='utf-8') as file:
            lines += [json.loads(line) for line in file]
    rounded = [{key: float(f'{x:.5g}') for key, x in line.items()} for line in lines]
    write_atomic(target, ''.join(f'{json.dumps(row)}\n' for row in rounded).encode())


def model_name(checkpoint: str) -> str:
    """Name of the config that ``tools/train.py`` put beside the checkpoint.

    Raises:
        ValueError: There is none, or several.
    """
    folder = osp.dirname(osp.abspath(checkpoint))
    meta = load_from_local(checkpoint).get('meta', {})
    name = meta.get('experiment_name', '')
    # mmengine appends the time at which the training began: NAME_20260101_120000
    parts = name.rsplit('_', 2)
    if len(parts) != 3 or not osp.isfile(osp.join(folder, f'{parts[0]}.py')):
        raise ValueError(f'{checkpoint}: its config is not beside it; say --name')
    return parts[0]


def results(checkpoint: str, metrics: List[str]) -> str:
    """Lines of the metafile: mean and deviation over seeds, of last and best epoch.

    Raises:
        FileNotFoundError: No ``seeds.json`` beside the folder of the checkpoint.
        ValueError: Metrics that are not in it.
    """
    folder = osp.dirname(osp.dirname(osp.abspath(checkpoint)))
    with open(osp.join(folder, 'seeds.json'), encoding='utf-8') as file:
        content = json.load(file)
    names = dict(item.partition('=')[::2] for item in metrics)
    lines = []
    for ann_file, kinds in content['summary'].items():
        found = {kind: _values(names, kinds[kind]) for kind in kinds}
        if len(found) == 2 and found['last'] == found['best']:
            found = {'last and best': found['last']}
        for kind, values in found.items():
            subset = osp.splitext(osp.basename(ann_file))[0]
            seeds = f'{len(content["seeds"])} seeds'
            lines.append('      - Task: ...')
            lines.append(f'        Dataset: ... {subset}, {kind} epoch, {seeds}')
            lines.append('        Metrics:')
            lines += [f'          {name}: {value}' for name, value in values.items()]
    return '\n'.join(lines)


def _values(names: Dict[str, str], metrics: Dict[str, dict]) -> Dict[str, str]:
    missing = [key for key in names.values() if key not in metrics]
    if missing:
        raise ValueError(f'seeds.json has no {missing[0]!r}, but {", ".join(metrics)}')
    return {name: spread_text(**metrics[key], digits=1) for name, key in names.items()}


@tool_main(also=(ValueError,))
def main(argv: Optional[List[str]] = None) -> int:
    args = parse_args(argv)
    name = args.name or model_name(args.checkpoint)
    target = osp.join(args.folder, f'{name}.safetensors')
    digest = publish(args.checkpoint, target)
    log = osp.join(args.folder, f'{name}.jsonl')
    publish_log(osp.dirname(osp.abspath(args.checkpoint)), log)
    found = results(args.checkpoint, args.metrics) if args.metrics else ''
    print(f'{target}: {osp.getsize(target) / 1024:.0f} KiB\n')
    print(f'    Weights: https://.../{osp.basename(target)}')
    print(f"    Weights SHA256: '{digest}'")
    print(f'    Training Log: https://.../{osp.basename(log)}')
    if found:
        print(f'    Results:\n{found}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
