"""Write the backbone of a SlowFast recogniser's checkpoint as one small weights file.

    python tools/model_converters/export_slowfast.py CHECKPOINT OUT.safetensors

Kernels in half precision, statistics of norms as they are, written atomically;
`SlowFastTower(pretrained=OUT.safetensors, backbone=...)` reads it.
"""

import argparse
import hashlib
import os
from typing import Dict

from safetensors.torch import save
from torch import Tensor

from mmvtg.models.towers.clip_weights import read_state_dict
from mmvtg.utils.files import write_atomic
from mmvtg.utils.tool_main import tool_main


def export(state: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Weights of the backbone alone, kernels in half precision.

    Raises:
        ValueError: There is no backbone, or some kernel is not finite in half.
    """
    kept = {
        key.removeprefix('backbone.'): value
        for key, value in state.items()
        if key.startswith('backbone.') and not key.endswith('num_batches_tracked')
    }
    if not kept:
        raise ValueError('the checkpoint has no weights of a `backbone`')
    kept = {k: (v.half() if v.ndim > 1 else v).contiguous() for k, v in kept.items()}
    broken = [key for key, value in kept.items() if not value.isfinite().all()]
    if broken:
        raise ValueError(f'{broken[0]} is not finite in half precision')
    return kept


@tool_main(also=(ValueError,))
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoint')
    parser.add_argument('out')
    args = parser.parse_args()
    data = save(export(read_state_dict(args.checkpoint)))
    write_atomic(args.out, data)
    size = os.path.getsize(args.out) / 1e6
    print(f'{args.out}: {size:.2f} MB, sha256 {hashlib.sha256(data).hexdigest()}')


if __name__ == '__main__':
    main()
