"""Write the towers of a pre-training checkpoint as one open_clip weights file.

    python tools/model_converters/export_tiny_clip.py CONFIG CHECKPOINT OUT.safetensors

Half precision, written atomically; `pretrained=OUT.safetensors` of a tower reads it.
"""

import argparse
import os
import sys

from mmvtg.engine.loading import load_weights
from mmvtg.models.towers.pretrainer import export_clip
from mmvtg.registry import MODELS, register_all_modules
from mmvtg.utils.launch import load_config
from mmvtg.utils.tool_main import tool_main


@tool_main()
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('out')
    args = parser.parse_args()
    register_all_modules()
    try:
        model = MODELS.build(load_config(args.config).model)
        load_weights(model, args.checkpoint)
        export_clip(model, args.out)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'{args.out}: {os.path.getsize(args.out) / 1e6:.2f} MB')


if __name__ == '__main__':
    main()
