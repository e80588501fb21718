"""Which sub-words of CLIP's vocabulary learned context vectors are nearest to.

    python tools/analysis_tools/prompt_words.py CONFIG CHECKPOINT

Prints, for each learned vector, the nearest token embeddings and how near they are: by
Euclidean distance, as such analyses of learned prompts are usually made, or by cosine
with --cosine. Vectors need not mean anything that words say; distances tell how much to
believe.
"""

import argparse
import sys
from typing import List, Tuple

import torch
from torch import Tensor

from mmvtg.datasets.transforms.tokenize import get_tokenizer
from mmvtg.engine.loading import load_weights
from mmvtg.models.tower_hooks import ContextPrompt
from mmvtg.registry import MODELS, register_all_modules
from mmvtg.utils.launch import ConfigOptions, load_config
from mmvtg.utils.tool_main import tool_main


def nearest_tokens(
    vectors: Tensor, table: Tensor, count: int = 5, cosine: bool = False
) -> Tuple[Tensor, Tensor]:
    """Nearest rows of a table.

    Args:
        vectors (Tensor): (N, C).
        table (Tensor): (V, C), token embeddings.
        count (int): How many of each.
        cosine (bool): By cosine, largest first, instead of distance, smallest first.

    Returns:
        tuple: (N, count) distances or cosines, and (N, count) int64 token ids.
    """
    if cosine:
        vectors, table = (
            torch.nn.functional.normalize(x, dim=-1) for x in (vectors, table)
        )
        return (vectors @ table.T).topk(count, dim=1)
    # the quick way by a matrix product is too rough for near ones
    exact = 'donot_use_mm_for_euclid_dist'
    distance = torch.cdist(vectors, table, compute_mode=exact)
    return distance.topk(count, dim=1, largest=False)


def token_texts(ids: Tensor) -> List[str]:
    """What tokens read, ``</w>`` as a closing blank marked ``_``."""
    decoder = get_tokenizer().decoder
    return [decoder[int(index)].replace('</w>', '_') for index in ids]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--count', type=int, default=5, help='sub-words of each vector')
    parser.add_argument('--cosine', action='store_true')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    return parser.parse_args()


@tool_main()
def main() -> int:
    args = parse_args()
    register_all_modules()
    cfg = load_config(args.config, args.cfg_options)
    model = MODELS.build(cfg.model)
    load_weights(model, args.checkpoint)
    towers = [m for m in model.modules() if hasattr(m, 'hooks') and hasattr(m, 'clip')]
    found = [
        (hook, tower.clip.token_embedding.weight)
        for tower in towers
        for hook in tower.hooks
        if isinstance(hook, ContextPrompt)
    ]
    if not found:
        raise SystemExit(f'{args.config}: no text tower has a ContextPrompt')
    for hook, table in found:
        vectors = hook.embedding.weight.detach()
        values, ids = nearest_tokens(vectors, table, args.count, args.cosine)
        for index, (row, near) in enumerate(zip(ids, values)):
            side = 'place' if hook.indexing == 'position' else 'after'
            if side == 'after' and index % hook.num_added < hook.num_before:
                side = 'before'
            words = zip(token_texts(row), near.tolist())
            shown = '  '.join(f'{word} {value:.3f}' for word, value in words)
            print(f'{index:3d} {side:6s} |v| = {vectors[index].norm():.3f}  {shown}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
