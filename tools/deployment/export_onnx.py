"""Neck, pyramid and head of a grounding model as one ONNX file.

    pip install -e '.[export]'
    python tools/deployment/export_onnx.py CONFIG CHECKPOINT model.onnx

What goes in are stored features, with any number of samples, clips and words:
``video`` (B, T, N, P, C) or (B, T, C), ``video_mask`` (B, T), ``query`` (B, L, N, C) or
(B, L, C), ``query_mask`` (B, L); masks are bool, True where a clip or word is real.
What comes out is what the head says, before anything is decoded:

- R2-Tuning: ``logits`` (B, S), ``distances`` (B, S, 2) in strides, ``mask`` (B, S) and
  ``similarity`` (B, T), for the S points of all levels;
- DETR heads: ``logits`` (B, Q, 2), foreground first, ``spans`` (B, Q, 2) as (center,
  width) in fractions of the video, and ``saliency`` (B, T);
- UniVTG: ``logits`` (B, T), ``spans`` (B, T, 2) as (start, end) in fractions of the
  video, and ``similarity`` (B, T).

The file is run by onnxruntime and compared with torch at lengths other than those that
it was exported with, before it takes its name. Videos of fewer clips than the longest
stride are padded to it; padding changes no result.
"""

import argparse
import sys
from contextlib import contextmanager
from typing import Dict, Iterator, List, Optional, Tuple

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmvtg.engine.loading import load_weights
from mmvtg.models.heads import DETRHead, R2Head, TRDETRHead, UniVTGHead
from mmvtg.models.heads.decoding import DETROutputs, HeadOutputs
from mmvtg.models.layers import TokenMLP
from mmvtg.models.necks import r2_block
from mmvtg.registry import MODELS
from mmvtg.utils import register_all_modules
from mmvtg.utils.files import replacing
from mmvtg.utils.launch import ConfigOptions, load_config
from mmvtg.utils.tool_main import tool_main

INPUTS = ('video', 'video_mask', 'query', 'query_mask')
#: (samples, clips, words) that the file is checked with.
CHECKED = ((1, 75, 20), (3, 9, 4), (2, 31, 12))


class GroundingPath(nn.Module):
    """From stored features to what the head says, tensors in and out.

    Args:
        model (nn.Module): A ``VideoGrounder`` of stored features, in eval mode.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, video: Tensor, video_mask: Tensor, query: Tensor, query_mask: Tensor
    ) -> Tuple[Tensor, ...]:
        """See the top of this file."""
        inputs = dict(zip(INPUTS, (video, video_mask, query, query_mask)))
        return tuple(name_outputs(self.model.head(self.model.fuse(inputs))).values())


def check_exportable(model: nn.Module) -> None:
    """Refuse what ONNX has no words for.

    Raises:
        ValueError: Another head than those at the top of this file.
    """
    head = getattr(model, 'head', None)
    if isinstance(head, TRDETRHead):
        raise ValueError(
            'TRDETRHead has a recurrent layer over a number of clips that depends on '
            'the video: it cannot be exported'
        )
    if not isinstance(head, (R2Head, DETRHead, UniVTGHead)):
        raise ValueError(
            f'{type(head).__name__} cannot be exported: only R2Head, DETR heads and '
            'UniVTGHead can'
        )


def name_outputs(outputs: object) -> Dict[str, Tensor]:
    """The parts of a head's outputs that decoding needs."""
    if isinstance(outputs, HeadOutputs):
        names = ('logits', 'distances', 'mask', 'similarity')
        found = {name: getattr(outputs, name) for name in names}
    elif isinstance(outputs, DETROutputs):
        found = dict(saliency=outputs.saliency)
        if outputs.logits is not None:  # those of the last decoder layer
            found.update(logits=outputs.logits[-1], spans=outputs.spans[-1])
    else:
        names = ('logits', 'spans', 'similarity')
        found = {name: getattr(outputs, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def attend_patches_plainly(
    tokens: Tensor, extra: Optional[Tensor], keys: Tensor, mlp: TokenMLP
) -> Tuple[Tensor, Tensor]:
    """:func:`attend_patches` at inference, in operators that ONNX has."""
    x = tokens.to(mlp.linear_in.weight.dtype)
    if extra is not None:
        extra = extra.to(x.dtype).unsqueeze(2).expand(-1, -1, x.size(2), -1)
        x = torch.cat([x, extra], dim=-1)
    u = mlp.norm_out(mlp.linear_in(mlp.norm_in(x)).relu())
    attention = torch.matmul(u, keys.unsqueeze(1).transpose(-1, -2)).softmax(2)
    return torch.matmul(attention.transpose(-1, -2), u), u[:, :, 0]


@contextmanager
def plain_attention() -> Iterator[None]:
    """Let the R2 block use :func:`attend_patches_plainly`."""
    fast = r2_block.attend_patches
    r2_block.attend_patches = attend_patches_plainly
    try:
        yield
    finally:
        r2_block.attend_patches = fast


def make_inputs(
    cfg: Config, samples: int, clips: int, words: int, patches: int = 5
) -> Tuple[Tensor, ...]:
    """Random features as the config's store holds them; samples differ in length."""
    neck = cfg.model.neck
    width = neck.video_dims
    width = width if isinstance(width, int) else sum(width)
    layers = neck.get('num_steps', 1)
    rng = torch.Generator().manual_seed(clips)
    video = torch.randn(samples, clips, layers, patches, width, generator=rng)
    query = torch.randn(samples, words, layers, neck.query_dims, generator=rng)
    shorter = torch.arange(samples)[:, None]
    video_mask = torch.arange(clips) < (clips - shorter).clamp(min=1)
    query_mask = torch.arange(words) < (words - shorter).clamp(min=1)
    return video, video_mask, query, query_mask


def export(model: nn.Module, cfg: Config, target: str) -> List[str]:
    """Write the file; returns the names of its outputs.

    Args:
        model (nn.Module): In eval mode, on the CPU.
        cfg (Config): Of the model.
        target (str): ``.onnx`` file.
    """
    strides = cfg.model.head.get('strides') or (1,)
    size = torch.export.Dim
    batch, words = size('samples', min=1, max=4096), size('words', min=2, max=512)
    clips = size('clips', min=max(2, *strides), max=65536)
    example = make_inputs(cfg, 2, 24, 7)
    with torch.no_grad(), plain_attention():
        fused = model.fuse(dict(zip(INPUTS, example)))
        names = list(name_outputs(model.head(fused)))
        torch.onnx.export(
            GroundingPath(model),
            example,
            target,
            input_names=list(INPUTS),
            output_names=names,
            dynamic_shapes=2 * ({0: batch, 1: clips},) + 2 * ({0: batch, 1: words},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    return names


def largest_difference(model: nn.Module, cfg: Config, path: str) -> Dict[str, float]:
    """Output -> largest difference of onnxruntime and torch over :data:`CHECKED`.

    Differences are shares of the largest number of the output.

    Raises:
        ValueError: Shapes differ.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    found: Dict[str, float] = {}
    for sizes in CHECKED:
        inputs = make_inputs(cfg, *sizes)
        with torch.no_grad():
            fused = model.fuse(dict(zip(INPUTS, inputs)))
            wanted = name_outputs(model.head(fused))
        feed = {name: x.numpy() for name, x in zip(INPUTS, inputs)}
        try:
            given = session.run(list(wanted), feed)
        except Exception as error:  # onnxruntime's own classes share no base
            raise ValueError(f'onnxruntime with {sizes}: {error}') from error
        for (name, want), got in zip(wanted.items(), given):
            want = want.numpy()
            if want.shape != got.shape:
                raise ValueError(f'{name}: {got.shape} instead of {want.shape}')
            finite = np.isfinite(want)
            if not (np.isfinite(got) == finite).all():
                raise ValueError(f'{name}: other places are infinite')
            error = np.abs(got[finite].astype(float) - want[finite]).max()
            scale = max(np.abs(want[finite].astype(float)).max(), 1e-12)
            found[name] = max(found.get(name, 0.0), float(error / scale))
    return found


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='weights; "random" to try the export')
    parser.add_argument('target', help='.onnx file to write')
    parser.add_argument('--tolerance', type=float, default=1e-4)
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    return parser.parse_args(argv)


@tool_main()
def main(argv: Optional[List[str]] = None) -> int:
    args = parse_args(argv)
    register_all_modules()
    try:
        cfg = load_config(args.config, args.cfg_options)
        model = MODELS.build(cfg.model).eval()
        check_exportable(model)
        if args.checkpoint != 'random':
            load_weights(model, args.checkpoint)
        with replacing(args.target) as temporary:
            export(model, cfg, temporary)
            found = largest_difference(model, cfg, temporary)
            if max(found.values()) > args.tolerance:
                raise ValueError(f'onnxruntime and torch differ: {found}')
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        hint = "; pip install -e '.[export]'" if isinstance(error, ImportError) else ''
        print(f'error: {error}{hint}', file=sys.stderr)
        return 1
    shown = ', '.join(f'{name} {error:.1e}' for name, error in found.items())
    print(f'{args.target}: largest differences from torch: {shown}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
