"""Configs of MMN and VDI: they build over a small CLIP, train a step and predict."""

import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.structures import InstanceData

import mmvtg  # noqa: F401
from mmvtg.registry import MODELS
from mmvtg.structures import GroundingDataSample

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(
    str(path.relative_to(ROOT)) for path in ROOT.glob('configs/[mv][md][ni]/*.py')
)
MMN, VDI = (
    f'configs/{name}_tiny-clip-slowfast_1xb4-12e_moving-shapes.py'
    for name in ('mmn/mmn', 'vdi/vdi-mmn')
)
MOTION = 6
VDI_CHARADES = 'configs/vdi/vdi-mmn_clip-b32_4xb12-18e_charades-sta.py'
VDI_QD_DETR = 'configs/vdi/vdi-qd-detr_tiny-clip_1xb16-12e_moving-shapes.py'


@pytest.fixture(scope='module', autouse=True)
def small_clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp('clips')
    sizes = dict(
        embed_dim=16,
        vision_cfg=dict(image_size=16, patch_size=8, layers=1, width=24, head_width=8),
        text_cfg=dict(context_length=20, vocab_size=64, width=24, heads=3, layers=1),
    )
    (folder / 'config-test.json').write_text(json.dumps(sizes))
    open_clip.add_model_config(folder)


def shrink(cfg):
    """The config with small widths and a CLIP without weights; the rest as it is."""
    model = cfg.model
    for tower in (model.vision_tower, model.text_tower):
        tower.update(model='config-test', pretrained=None)
    if model.neck.type == 'ProposalMap':
        model.neck.update(in_channels=16, channels=8)
        if model.neck.get('motion_channels'):
            model.neck.motion_channels = MOTION
        model.head.update(channels=8, query_dims=16, embed_dims=8)
    else:
        model.neck.update(video_dims=24, query_dims=16)
    if model.get('injection'):
        for part in ('context', 'dynamics'):
            if model.injection.get(part):
                layer = dict(num_heads=2, ffn_channels=8)
                model.injection[part].update(channels=16, layer=layer)
        if model.injection.get('dynamics'):
            model.injection.dynamics.num_patches = 4
    return cfg


def make_batch(lengths=(19, 24)):
    """Three queries of two videos; the last has nothing but noun chunks."""
    rng = torch.Generator().manual_seed(0)
    videos = [torch.randn(n, 4, 5, 24, generator=rng).half() for n in lengths]
    motions = [torch.randn(n, MOTION, generator=rng).half() for n in lengths]
    video, motion, query, samples = [], [], [], []
    for index, owner in enumerate((0, 0, 1)):
        meta = dict(
            video_id=f'v{owner}',
            query_id=index,
            duration=float(lengths[owner]),
            fps=1.0,
            num_clips=lengths[owner],
            positive_clips=np.array([3, 4]),
            static_ids=[62, 5, 6 + index, 63],
            dynamic_ids=[] if index == 2 else [62, 9, 10 + index, 63],
        )
        sample = GroundingDataSample(metainfo=meta)
        end = min(8.0 + index, lengths[owner])
        spans = torch.tensor([[min(3.0, end - 1), end]])
        sample.gt_moments = InstanceData(spans=spans)
        sample.gt_saliency = torch.zeros(lengths[owner])
        sample.gt_saliency[3:8] = 1
        video.append(videos[owner])
        motion.append(motions[owner])
        query.append(torch.tensor([62, 5, 9, 6 + index, 63]))
        samples.append(sample)
    inputs = dict(video=video, query=query, motion=motion)
    return dict(inputs=inputs, data_samples=samples)


@pytest.mark.parametrize('path', [MMN, VDI])
@pytest.mark.parametrize('lengths', [(300, 1), (2, 65)])
def test_videos_longer_and_shorter_than_the_map(path, lengths):
    model, _ = build(path)
    sum(run(model, lengths=lengths).values()).backward()
    trained = [p for p in model.parameters() if p.requires_grad]
    assert all(p.grad is None or p.grad.isfinite().all() for p in trained)
    for sample in run(model.eval(), training=False, lengths=lengths):
        spans = sample.pred_moments.spans
        assert len(sample.pred_saliency) == sample.duration
        assert len(spans) > 1 and (spans[:, 0] < spans[:, 1]).all()
        assert ((spans >= 0) & (spans <= sample.duration)).all()


def build(path, **options):
    cfg = Config.fromfile(str(ROOT / path))
    cfg.merge_from_dict(options)
    torch.manual_seed(0)
    return MODELS.build(shrink(cfg).model), cfg


def run(model, training=True, lengths=(19, 24)):
    data = model.data_preprocessor(make_batch(lengths), training=training)
    return model(**data, mode='loss' if training else 'predict')


@pytest.mark.parametrize('path', CONFIGS)
def test_config_trains_a_step_and_predicts(path):
    model, _ = build(path)
    losses = run(model)
    sum(losses.values()).backward()
    trained = [p for p in model.parameters() if p.requires_grad]
    assert all(p.grad is None or p.grad.isfinite().all() for p in trained)
    assert model.text_tower.clip.positional_embedding.grad.abs().sum() > 0
    assert all(p.grad is None for p in model.vision_tower.parameters())
    found = run(model.eval(), training=False)
    assert [len(sample.pred_saliency) for sample in found] == [19, 19, 24]
    for sample in found:
        scores, spans = sample.pred_moments.scores, sample.pred_moments.spans
        assert (scores[:-1] >= scores[1:]).all()
        # QD-DETR rounds to 2 s
        assert ((spans >= 0) & (spans <= sample.duration + 1)).all()


def test_losses_of_the_ablations():
    for name, expected in (
        ('vc-static', {'loss_context'}),
        ('sd-lstm', {'loss_dynamic'}),
    ):
        path = next(path for path in CONFIGS if name in path)
        own = set(run(build(path)[0]))
        assert own - {'loss_iou', 'loss_moment', 'loss_query'} == expected


@pytest.mark.parametrize('path, share', [(VDI_CHARADES, 0.1), (VDI, 0.3)])
def test_text_tower_learns_at_a_part_of_the_rate(path, share):
    model, cfg = build(path)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    rates = {
        id(p): group['lr']
        for group in wrapper.optimizer.param_groups
        for p in group['params']
    }
    lr = cfg.optim_wrapper.optimizer.lr
    for name, parameter in model.named_parameters():
        factor = share if name.startswith('text_tower.') else 1
        if parameter.requires_grad:
            assert rates[id(parameter)] == pytest.approx(lr * factor), name


def count_flops(model):
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        found = run(model, training=False)
    return found, counter.get_total_flops()


@pytest.mark.parametrize('path, plain', [(VDI, MMN), (VDI_QD_DETR, VDI_QD_DETR)])
def test_nothing_of_the_injection_is_in_inference(path, plain):
    injected = build(path)[0].eval()
    plain = build(plain, **{'model.injection': None})[0].eval()
    state = injected.state_dict()
    kept = {k: v for k, v in state.items() if not k.startswith('injection.')}
    assert set(kept) == set(plain.state_dict()) and len(kept) < len(state)
    plain.load_state_dict(kept)
    (ours, flops), (expected, plain_flops) = map(count_flops, (injected, plain))
    assert flops == plain_flops > 0
    for a, b in zip(ours, expected):
        assert torch.equal(a.pred_moments.spans, b.pred_moments.spans)
        assert torch.equal(a.pred_moments.scores, b.pred_moments.scores)


def test_without_weight_the_text_tower_learns_what_it_would():
    options = {
        f'model.injection.{part}.loss_weight': 0.0 for part in ('context', 'dynamics')
    }
    (injected, _), (plain, _) = build(VDI, **options), build(MMN)
    kept = {
        k: v for k, v in injected.state_dict().items() if not k.startswith('injection.')
    }
    plain.load_state_dict(kept)
    for model in (injected, plain):
        sum(run(model).values()).backward()
    grads = dict(injected.named_parameters())
    for name, parameter in plain.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(grads[name].grad, parameter.grad)
