"""Time and peak memory of R2-Tuning, against its equations written out one by one.

    python tools/benchmarks/r2_tuning.py
    python tools/benchmarks/r2_tuning.py --batch-size 4 --clips 32 --repeats 1

First both implementations get the same weights and must give the same hidden states and
gradients. Then a training step (forward, five losses, backward, clipping, AdamW) and an
inference of each are measured, every measurement in a process of its own, in turns;
medians are shown. On a busy machine trust the CPU time. Memory is the peak above what
the process held before the step (weights and inputs, the same for both): resident on
CPU, allocated on a GPU. With a GPU, mixed precision and ``torch.compile`` are measured
as well.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from contextlib import nullcontext
from typing import Callable, Dict, List, Tuple

import torch
import torch.nn.functional as F
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvtg.models.heads import R2Head
from mmvtg.models.layers import TokenMLP, sine_position
from mmvtg.models.layers.attention import MultiheadAttention
from mmvtg.models.necks import R2Block, TemporalPyramid
from mmvtg.models.necks.r2_block import endpoints
from mmvtg.structures import (
    FusedFeatures,
    GroundingDataSample,
    QueryFeatures,
    StepFeatures,
    VideoFeatures,
)
from mmvtg.utils.tool_main import tool_main

LOSSES = dict(
    cls=dict(type='FocalLoss'),
    boundary=dict(type='SpanL1Loss', loss_weight=0.2),
    saliency=dict(type='SaliencyNCELoss', loss_weight=0.1),
    video=dict(type='InfoNCELoss', loss_weight=0.1),
    layer=dict(type='InfoNCELoss', loss_weight=0.1),
)


class LiteralR2Block(R2Block):
    """The block's equations as they stand, on the parameters of :class:`R2Block`.

    Endpoints are joined to every patch, words repeated for every frame, all projections
    made for every patch, attention weights written out.
    """

    def forward(self, video: VideoFeatures, query: QueryFeatures) -> FusedFeatures:
        batch, clips = video.mask.shape
        length = video.mask.sum(1)
        channels = self.query_mlp.linear_out.out_features
        code = sine_position(length, clips, channels).to(self.pool_scale.dtype)
        tef = endpoints(length, clips).to(self.pool_scale.dtype)
        hidden, steps = None, []
        for i in reversed(range(self.num_steps)):
            tokens = video.layers[i - self.num_steps].to(self.pool_scale.dtype)
            if self.use_tef:
                spread = tef[:, :, None].expand(-1, -1, tokens.size(2), -1)
                tokens = torch.cat([tokens, spread], dim=-1)
            words = query.layers[i - self.num_steps].to(self.pool_scale.dtype)
            e_v = self.mlp(self.video_mlp, tokens)  # eq. 2
            e_q = self.mlp(self.query_mlp, words)  # eq. 3
            pooled = self.pool(e_v, e_q, query.mask)
            state = e_v[:, :, 0] + self.pool_scale[i].tanh() * pooled  # eq. 6
            if hidden is not None:  # eq. 7
                gate = self.gate[i].sigmoid()
                state = gate * state + (1 - gate) * hidden
            hidden = self.refine(state, e_q, code, video.mask, query.mask)  # eq. 8
            steps.append(StepFeatures(clips=e_v[:, :, 0], words=e_q))
        return FusedFeatures(hidden, video.mask, e_q, query.mask, steps)

    def mlp(self, mlp: TokenMLP, x: Tensor) -> Tensor:
        x = mlp.dropout(mlp.norm_in(x))
        x = F.relu(mlp.linear_in(x))
        return mlp.linear_out(mlp.dropout(mlp.norm_out(x)))

    def pool(self, e_v: Tensor, e_q: Tensor, mask: Tensor) -> Tensor:
        batch, clips = e_v.shape[:2]
        e_q = e_q.repeat_interleave(clips, dim=0)
        mask = mask.repeat_interleave(clips, dim=0)
        e_v = e_v.flatten(0, 1)
        similarity = self.query_proj(e_q) @ self.video_proj(e_v).transpose(1, 2)
        attention = (similarity / e_q.size(-1) ** 0.5).softmax(-1)  # eq. 4
        pooled = attention @ e_v + e_q
        pooled = pooled.masked_fill(~mask[..., None], float('-inf'))
        return pooled.max(dim=1).values.unflatten(0, (batch, clips))  # eq. 5

    def refine(
        self, x: Tensor, words: Tensor, code: Tensor, mask: Tensor, words_mask: Tensor
    ) -> Tensor:
        layer = self.layer
        y = self.attend(layer.cross_attn, x + code, words, words, words_mask)
        x = layer.cross_attn_norm(x + layer.drop_path(y))
        y = self.attend(layer.self_attn, x + code, x + code, x, mask)
        x = layer.self_attn_norm(x + layer.drop_path(y))
        y = layer.ffn.linear_out(F.relu(layer.ffn.linear_in(x)))
        return layer.ffn_norm(x + layer.drop_path(y))

    def attend(
        self,
        attn: MultiheadAttention,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor,
    ) -> Tensor:
        split = (attn.num_heads, query.size(-1) // attn.num_heads)
        q = attn.q_proj(query).unflatten(-1, split).transpose(1, 2)
        k = attn.k_proj(key).unflatten(-1, split).transpose(1, 2)
        v = attn.v_proj(value).unflatten(-1, split).transpose(1, 2)
        logits = q @ k.transpose(-1, -2) / split[1] ** 0.5
        logits = logits.masked_fill(~mask[:, None, None], float('-inf'))
        return attn.out_proj((logits.softmax(-1) @ v).transpose(1, 2).flatten(2))


class Model(nn.Module):
    """Neck, pyramid and head on given layers."""

    def __init__(self, neck: R2Block, channels: int) -> None:
        super().__init__()
        self.neck = neck
        self.pyramid = TemporalPyramid(channels)
        self.head = R2Head(channels, losses=LOSSES)

    def fuse(self, inputs: Tuple[VideoFeatures, QueryFeatures]) -> FusedFeatures:
        return self.pyramid(self.neck(*inputs))


def build_model(args: argparse.Namespace, implementation: str) -> Model:
    torch.manual_seed(0)
    cls = LiteralR2Block if implementation == 'literal' else R2Block
    neck = cls(
        args.video_dims,
        args.query_dims,
        args.channels,
        args.steps,
        dropout=args.dropout,
    )
    model = Model(neck, args.channels)
    with torch.no_grad():  # zero at the start: the pooling would have no effect
        neck.pool_scale.copy_(torch.linspace(-1, 1, args.steps))
        neck.gate.copy_(torch.linspace(-1, 1, args.steps - 1))
    return model.to(args.device)


def build_inputs(args: argparse.Namespace):
    """Random layers as a store hands them out, and what is annotated of them."""
    generator = torch.Generator().manual_seed(1)

    def layers(*shape: int) -> List[Tensor]:
        return [
            torch.randn(*shape, generator=generator).half().to(args.device)
            for _ in range(args.steps)
        ]

    size, clips, words = args.batch_size, args.clips, args.words
    mask = torch.ones(size, clips, dtype=torch.bool, device=args.device)
    words_mask = torch.ones(size, words, dtype=torch.bool, device=args.device)
    video = VideoFeatures(mask, layers(size, clips, args.patches, args.video_dims))
    query = QueryFeatures(words_mask, layers(size, words, args.query_dims))
    samples = []
    for i in range(size):
        meta = dict(fps=0.5, num_clips=clips, duration=2.0 * clips, positive_clip=i % 8)
        sample = GroundingDataSample(metainfo=meta)
        spans = torch.tensor([[0.0, 16.0]], device=args.device)
        sample.gt_moments = InstanceData(spans=spans)
        sample.gt_saliency = (torch.arange(clips, device=args.device) < 8).float()
        samples.append(sample)
    return (video, query), samples


def check_equal(args: argparse.Namespace) -> Dict[str, float]:
    """Largest relative differences of hidden states and gradients, dropout off."""
    inputs, samples = build_inputs(args)
    results = []
    for implementation in ('literal', 'ours'):
        model = build_model(args, implementation).eval()
        fused = model.fuse(inputs)
        sum(model.head.loss(fused, samples).values()).backward()
        # the bias that the softmax cancels gets rounding noise from the equations
        gradients = {
            key: p.grad
            for key, p in model.named_parameters()
            if p.grad is not None
            and not key.endswith(('video_proj.bias', 'k_proj.bias'))
        }
        results.append((fused.clips.detach(), gradients))
    (hidden, gradients), (ours, our_gradients) = results
    if set(gradients) != set(our_gradients):
        raise RuntimeError('the two implementations train different parameters')

    def difference(a: Tensor, b: Tensor) -> float:
        return ((a - b).abs().max() / a.abs().max().clamp(min=1e-12)).item()

    worst = max(difference(gradients[k], our_gradients[k]) for k in gradients)
    found = dict(hidden=difference(hidden, ours), gradients=worst)
    if found['hidden'] > 1e-5 or found['gradients'] > 1e-3:
        raise RuntimeError(f'the two implementations differ: {found}')
    return found


class PeakMemory:
    """Peak memory above what is held when it is made, in MiB."""

    def __init__(self, device: str) -> None:
        self.cuda = device.startswith('cuda')
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()
            self.start = torch.cuda.memory_allocated()
            return
        with open('/proc/self/clear_refs', 'w') as file:
            file.write('5')  # resets the high-water mark of resident memory
        self.start = self.resident('VmRSS')

    @staticmethod
    def resident(field: str) -> int:
        with open('/proc/self/status') as file:
            for line in file:
                if line.startswith(field):
                    return int(line.split()[1]) * 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def read(self) -> float:
        if self.cuda:
            return (torch.cuda.max_memory_allocated() - self.start) / 2**20
        return (self.resident('VmHWM') - self.start) / 2**20


def make_step(args: argparse.Namespace) -> Callable[[], None]:
    """A function that trains one step or infers once."""
    model = build_model(args, args.implementation).train(args.mode == 'train')
    inputs, samples = build_inputs(args)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    if args.compile:
        model.neck.compile()
    dtype = torch.bfloat16
    context = torch.autocast(args.device, dtype) if args.amp else nullcontext()

    def train() -> None:
        with context:
            loss = sum(model.head.loss(model.fuse(inputs), samples).values())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 35)
        optimizer.step()

    def infer() -> None:
        with torch.no_grad(), context:
            model.head.predict(model.fuse(inputs), samples)

    return train if args.mode == 'train' else infer


def measure(args: argparse.Namespace) -> Dict[str, float]:
    """Seconds and MiB of one step, after one that warms up."""
    step = make_step(args)
    synchronize = (
        torch.cuda.synchronize if args.device.startswith('cuda') else lambda: None
    )
    memory = PeakMemory(args.device)
    step()
    synchronize()
    start, start_cpu = time.perf_counter(), time.process_time()
    step()
    synchronize()
    return dict(
        seconds=time.perf_counter() - start,
        cpu_seconds=time.process_time() - start_cpu,
        mebibytes=memory.read(),
    )


def measure_apart(args: argparse.Namespace, **options) -> Dict[str, float]:
    """:func:`measure` in a process of its own."""
    task = json.dumps({**vars(args), **options})
    command = [sys.executable, __file__, '--measure', task]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(result.stdout.splitlines()[-1])


def compare(args: argparse.Namespace, mode: str, **options) -> None:
    """Measure both in turns and print medians and ratios."""
    found: Dict[str, List[Dict[str, float]]] = dict(literal=[], ours=[])
    for _ in range(args.repeats):
        for name in found:
            found[name].append(
                measure_apart(args, implementation=name, mode=mode, **options)
            )
    units = ('seconds', 'cpu_seconds', 'mebibytes')
    median = {
        name: {unit: statistics.median(row[unit] for row in rows) for unit in units}
        for name, rows in found.items()
    }
    label = ' '.join([mode, *(key for key, value in options.items() if value)])
    for name, row in median.items():
        print(
            f'{label:20} {name:8} {row["seconds"]:8.3f} s {row["cpu_seconds"]:8.3f} s '
            f'of CPU {row["mebibytes"]:8.0f} MiB'
        )
    ratios = [median['ours'][unit] / median['literal'][unit] for unit in units]
    print(f'{label:20} ratio    ' + '  '.join(f'{ratio:.2f}' for ratio in ratios))
    sys.stdout.flush()


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--clips', type=int, default=75)
    parser.add_argument('--patches', type=int, default=50)
    parser.add_argument('--words', type=int, default=20)
    parser.add_argument('--steps', type=int, default=4, help='refinement steps K')
    parser.add_argument('--channels', type=int, default=256)
    parser.add_argument('--video-dims', type=int, default=768)
    parser.add_argument('--query-dims', type=int, default=512)
    parser.add_argument('--dropout', type=float, default=0.5)
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu'
    )
    parser.add_argument('--measure', help=argparse.SUPPRESS)
    return parser.parse_args()


@tool_main()
def main() -> None:
    args = parse_args()
    if args.measure:
        defaults = dict(amp=False, compile=False)
        task = argparse.Namespace(**{**defaults, **json.loads(args.measure)})
        print(json.dumps(measure(task)))
        return
    small = argparse.Namespace(**{**vars(args), 'batch_size': 2})
    print('largest relative difference', check_equal(small))
    print(
        f'{args.device}, torch {torch.__version__}, {torch.get_num_threads()} threads'
    )
    for mode in ('train', 'infer'):
        compare(args, mode)
        if args.device.startswith('cuda'):
            compare(args, mode, amp=True)
            compare(args, mode, amp=True, compile=True)


if __name__ == '__main__':
    main()
