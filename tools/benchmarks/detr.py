"""Time of the DETR family against plain implementations, in one run.

    python tools/benchmarks/detr.py
    python tools/benchmarks/detr.py --methods qd_detr --batch-size 8 --repeats 5

Both have the same parameters and give the same losses and predictions (checked first,
without dropout). The plain ones do what the authors' code does: attention weights are
written out and dropout is torch's; foreign queries pass through the whole model,
decoder included, in inference, too; costs of all queries and all moments of a batch are
computed and then cut; matched rows and levels of saliency are visited one by one.

Sizes are those of QVHighlights: 75 clips, 32 words, SlowFast and CLIP features, batches
of 32. Training is a step of AdamW. Runs of both alternate; medians are reported. Time
on a CPU is CPU time, which other programs on the machine hardly change.
"""

import argparse
import statistics
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Tuple
from unittest import mock

import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from mmvtg.models.decoders import anchor_decoder
from mmvtg.models.heads import DETRHead, TRDETRHead
from mmvtg.models.heads.targets import stack_centers
from mmvtg.models.layers import Dropout, attention
from mmvtg.models.losses import RankContrastLoss
from mmvtg.models.necks import CrossEncoder
from mmvtg.registry import MODELS
from mmvtg.structures import (
    FusedFeatures,
    GroundingDataSample,
    StepFeatures,
    center_to_span,
    span_giou,
)
from mmvtg.utils import register_all_modules
from mmvtg.utils.tool_main import tool_main

ROOT = Path(__file__).parents[2]
METHODS = ('moment_detr', 'qd_detr', 'tr_detr', 'univtg')


def plain_attention(query, key, value, num_heads, mask=None, dropout=0.0) -> Tensor:
    """:func:`attend_heads` with its weights written out."""
    q, k, v = (
        x.unflatten(-1, (num_heads, -1)).transpose(1, 2) for x in (query, key, value)
    )
    logits = q @ k.transpose(-1, -2) / q.size(-1) ** 0.5
    if mask is not None:
        mask = mask[:, None, None] if mask.dim() == 2 else mask
        logits = logits.masked_fill(~mask, float('-inf'))
    weights = torch.dropout(logits.softmax(-1), dropout, dropout > 0)
    return (weights @ v).transpose(1, 2).flatten(2)


@MODELS.register_module()
class PlainCrossEncoder(CrossEncoder):
    """Own and foreign queries one after the other, in inference, too."""

    def forward(self, video, query) -> FusedFeatures:
        step, mask = self.inputs(video, query)
        fused = self.fuse(step, mask, query.mask)
        if self.negative_pairs:
            foreign = StepFeatures(step.clips, step.words.roll(-1, 0))
            fused.negative = self.fuse(foreign, mask, query.mask.roll(-1, 0))
        return fused


class PlainMoments:
    """Matching and losses of decoded moments, sample by sample."""

    def forward(self, fused: FusedFeatures):
        if fused.negative is not None:
            self.decode(fused.negative)  # and thrown away
        return super().forward(fused)

    def moment_losses(self, outputs, fused, data_samples) -> Dict[str, Tensor]:
        targets, counts = stack_centers(data_samples, fused.mask)
        targets = [rows[:n] for rows, n in zip(targets, counts.tolist())]
        losses, last = {}, len(outputs.logits) - 1
        for layer, (logits, spans) in enumerate(zip(outputs.logits, outputs.spans)):
            pairs = self.match(logits, spans, targets)
            batch = torch.cat([torch.full_like(q, i) for i, (q, _) in enumerate(pairs)])
            query = torch.cat([q for q, _ in pairs])
            chosen = spans[batch, query]
            target = torch.cat([t[m] for t, (_, m) in zip(targets, pairs)])
            distance = (chosen - target).abs().mean()
            giou = span_giou(center_to_span(chosen), center_to_span(target))
            one_hot = torch.zeros_like(logits)
            one_hot[..., 1] = 1
            one_hot[batch, query] = one_hot.new_tensor([1.0, 0.0])
            suffix = '' if layer == last else f'_{layer}'
            weights = self.losses
            losses[f'span{suffix}'] = weights['span'].loss_weight * distance
            losses[f'giou{suffix}'] = weights['giou'].loss_weight * (1 - giou).mean()
            losses[f'label{suffix}'] = weights['label'](logits, one_hot)
        return losses

    @torch.no_grad()
    def match(self, logits, spans, targets) -> List[Tuple[Tensor, Tensor]]:
        """Queries and moments of each sample, from the costs of all with all."""
        everything = torch.cat(targets)
        cost = self.matcher.cost(logits.flatten(0, 1), spans.flatten(0, 1), everything)
        cost = cost.view(*logits.shape[:2], -1).cpu()
        parts = cost.split([len(rows) for rows in targets], dim=-1)
        found = [linear_sum_assignment(part[i]) for i, part in enumerate(parts)]
        return [
            tuple(torch.as_tensor(x, device=logits.device) for x in pair)
            for pair in found
        ]


@MODELS.register_module()
class PlainDETRHead(PlainMoments, DETRHead):
    """:class:`DETRHead`, sample by sample."""


@MODELS.register_module()
class PlainTRDETRHead(PlainMoments, TRDETRHead):
    """:class:`TRDETRHead`, sample by sample."""


@MODELS.register_module()
class PlainRankContrastLoss(RankContrastLoss):
    """:class:`RankContrastLoss`, level by level."""

    def forward(self, scores: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        total = scores.new_zeros(())
        for level in self.levels:
            positive = (target + 1e-4 >= level).to(scores.dtype)
            if not positive.any():
                continue
            logits = scores.masked_fill(~mask, -1000.0) / self.temperature
            logits = logits - logits.max(dim=1, keepdim=True).values
            log = logits - (logits.exp().sum(1, keepdim=True) + 1e-6).log()
            gain = (positive * log * mask).sum(1) / (positive.sum(1) + 1e-6)
            total = total - gain.mean()
        return self.loss_weight * total / (len(self.levels) + 1)


def build_model(args: argparse.Namespace, method: str, plain: bool) -> nn.Module:
    """The model of the method's config for QVHighlights."""
    (path,) = ROOT.glob(f'configs/{method}/*_clip-slowfast_*_qvhighlights.py')
    config = Config.fromfile(str(path)).model
    rank = config.head.losses.get('rank', {})
    for part in (config.neck, config.head, rank) if plain else ():
        if f'Plain{part.get("type")}' in MODELS.module_dict:
            part['type'] = f'Plain{part["type"]}'
    torch.manual_seed(0)
    return MODELS.build(config).to(args.device)


def build_inputs(args: argparse.Namespace) -> dict:
    """Random features, and one to five moments a sample."""
    rng = torch.Generator().manual_seed(1)
    size, clips, words = args.batch_size, args.clips, args.words
    inputs = dict(
        video=torch.randn(size, clips, 2818, generator=rng),
        video_mask=torch.ones(size, clips, dtype=torch.bool),
        query=torch.randn(size, words, 512, generator=rng),
        query_mask=torch.ones(size, words, dtype=torch.bool),
    )
    samples = []
    for i in range(size):
        meta = dict(fps=0.5, num_clips=clips, duration=2.0 * clips, positive_clip=3)
        meta.update(positive_clips=list(range(8)), saliency_pairs=[[3, 9], [5, 30]])
        sample = GroundingDataSample(metainfo=meta)
        spans = torch.rand(i % 5 + 1, 2, generator=rng).sort(1).values * 2 * clips
        sample.gt_moments = InstanceData(spans=spans.to(args.device))
        saliency = (torch.arange(clips) % 12 / 12).to(args.device)
        sample.gt_saliency = saliency
        samples.append(sample)
    inputs = {name: value.to(args.device) for name, value in inputs.items()}
    return dict(inputs=inputs, data_samples=samples)


def without_dropout(model: nn.Module) -> nn.Module:
    """In training mode; what draws at random is switched off."""
    for module in model.train().modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if isinstance(getattr(module, 'dropout', None), float):
            module.dropout = 0.0
        if hasattr(module, 'drop_prob'):
            module.drop_prob = 0.0
    return model


@contextmanager
def written_out(plain: bool) -> Iterator[None]:
    """While it lasts, a plain model computes attention and dropout the plain way."""
    function = plain_attention if plain else attention.attend_heads
    dropout = nn.Dropout.forward if plain else Dropout.forward
    with (
        mock.patch.object(attention, 'attend_heads', function),
        mock.patch.object(anchor_decoder, 'attend_heads', function),
        mock.patch.object(Dropout, 'forward', dropout),
    ):
        yield


def check_equal(args: argparse.Namespace, method: str) -> float:
    """Largest relative difference of losses and spans, dropout off."""
    data, found = build_inputs(args), []
    for plain in (True, False):
        model = without_dropout(build_model(args, method, plain))
        with written_out(plain), torch.no_grad():
            losses = model.loss(**data)
            model.eval()
            model.head.post_processor = None
            predicted = model.predict(**data)
        spans = torch.stack([sample.pred_moments.spans for sample in predicted])
        losses = torch.stack([losses[key] for key in sorted(losses)])
        found.append((losses.cpu(), spans.cpu()))
    worst = max(((a - b).abs().max() / a.abs().max()).item() for a, b in zip(*found))
    if worst > 1e-4:
        raise RuntimeError(f'{method}: the two implementations differ by {worst:.1e}')
    return worst


def make_step(
    args: argparse.Namespace, method: str, plain: bool, mode: str
) -> Callable:
    """A function that trains one step or infers once."""
    model = build_model(args, method, plain).train(mode == 'train')
    data = build_inputs(args)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def train() -> None:
        loss = sum(model.loss(**data).values())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()

    def infer() -> None:
        with torch.no_grad():
            model.predict(**data)

    def step() -> None:
        with written_out(plain):
            (train if mode == 'train' else infer)()

    return step


def measure(args: argparse.Namespace, step: Callable) -> float:
    """Milliseconds of one call: CPU time, or wall time of a GPU."""
    if args.device.startswith('cuda'):
        torch.cuda.synchronize()
        start = time.perf_counter()
        step()
        torch.cuda.synchronize()
        return 1000 * (time.perf_counter() - start)
    start = time.process_time()
    step()
    return 1000 * (time.process_time() - start)


def compare(args: argparse.Namespace, method: str, mode: str) -> None:
    """Measure both in turns and print medians and their ratio."""
    steps = {plain: make_step(args, method, plain, mode) for plain in (True, False)}
    times: Dict[bool, List[float]] = {True: [], False: []}
    for i in range(args.repeats + 1):
        for plain, step in steps.items():
            spent = measure(args, step)
            if i:  # the first warms up
                times[plain].append(spent)
    plain, ours = (statistics.median(times[key]) for key in (True, False))
    per = '' if mode == 'train' else ' a query'
    if mode != 'train':
        plain, ours = plain / args.batch_size, ours / args.batch_size
    print(
        f'{method:12} {mode:6} plain {plain:9.2f} ms{per}, ours {ours:9.2f} ms{per}, '
        f'ratio {ours / plain:.2f}'
    )
    sys.stdout.flush()


@tool_main()
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--methods', nargs='+', default=METHODS, choices=METHODS)
    parser.add_argument('--batch-size', type=int, default=32)
    parser.add_argument('--clips', type=int, default=75)
    parser.add_argument('--words', type=int, default=32)
    parser.add_argument('--repeats', type=int, default=5)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    parser.add_argument('--device', default=device)
    args = parser.parse_args()
    register_all_modules()
    print(
        f'{args.device}, torch {torch.__version__}, {torch.get_num_threads()} threads'
    )
    for method in args.methods:
        small = argparse.Namespace(**{**vars(args), 'batch_size': 3})
        print(
            f'{method:12} largest relative difference {check_equal(small, method):.1e}'
        )
        for mode in ('train', 'infer'):
            compare(args, method, mode)


if __name__ == '__main__':
    main()
