"""R2-Tuning against numbers recorded with the authors' code."""

import json
import runpy
from pathlib import Path

import pytest
import torch
from golden_files import golden_folder
from mmengine.optim import LinearLR, MultiStepLR
from mmengine.structures import InstanceData
from safetensors.torch import load_file
from tolerances import GRADIENT, SECONDS, TARGET, close

from mmvtg.models.data_preprocessors.grounding import pad_sequences
from mmvtg.models.heads import R2Head
from mmvtg.models.layers import sine_position
from mmvtg.models.necks import R2Block, TemporalPyramid
from mmvtg.models.task_modules import PointGenerator, PointTargetAssigner
from mmvtg.structures import GroundingDataSample, QueryFeatures, VideoFeatures
from mmvtg.utils.conversion import rename

ROOT = Path(__file__).parents[2]
FOLDER = golden_folder('r2_tuning')
CONVERTER = runpy.run_path(str(ROOT / 'tools' / 'model_converters' / 'r2_tuning.py'))
OUTPUTS = '.outputs.safetensors'
CASES = sorted(
    file.name[: -len(OUTPUTS)]
    for file in FOLDER.glob(f'*.*{OUTPUTS}')
    if file.with_name(file.name.replace('outputs', 'inputs')).is_file()
)
# softmax makes the gradient of these zero; what was recorded is rounding noise
NOISE = ('neck.video_proj.bias', 'attn.k_proj.bias')


class Net(torch.nn.Module):
    """Neck, pyramid and head with the settings and weights of one golden config."""

    def __init__(self, name):
        super().__init__()
        config = json.loads((FOLDER / f'{name}.config.json').read_text())
        dims, config = config['feature_dims'], config['config']
        adapter, loss = config['adapter_cfg'], config['loss_cfg']
        channels, strides = config['dims'], config['strides']
        self.neck = R2Block(
            video_dims=dims['video'],
            query_dims=dims['query'],
            channels=channels,
            num_steps=adapter['k'],
            num_heads=adapter['tem_cfg']['heads'],
            ffn_ratio=adapter['tem_cfg']['ratio'],
            dropout=adapter['dropout'],
            use_tef=adapter['use_tef'],
            official_padding=True,
        )
        self.pyramid = TemporalPyramid(channels, strides, official_padding=True)
        self.head = R2Head(
            channels,
            strides,
            with_boundary=config['coord_head_cfg'] is not None,
            losses=self.losses(loss),
            assigner=dict(type='PointTargetAssigner', radius=loss['sample_radius']),
            max_moments=config['max_num_moment'],
            official_padding=True,
        )
        state = load_file(FOLDER / f'{name}.state.safetensors')
        self.load_state_dict(CONVERTER['convert'](state)[0])
        self.double().eval()

    @staticmethod
    def losses(cfg):
        types = dict(FocalLoss='FocalLoss', DynamicBCELoss='BCELoss')
        roles = dict(
            cls=dict(type=types[cfg['loss_cls']['type']]),
            boundary=dict(type='SpanL1Loss'),
            saliency=dict(type='SaliencyNCELoss'),
            video=dict(type='InfoNCELoss'),
            layer=dict(type='InfoNCELoss'),
        )
        if cfg['loss_sal'].get('direction') == 'row':
            roles['saliency']['directions'] = ['clips']
        names = dict(
            cls='cls',
            boundary='reg',
            saliency='sal',
            video='video_cal',
            layer='layer_cal',
        )
        found = {}
        for role, options in roles.items():
            official = cfg[f'loss_{names[role]}']
            if official is not None:
                found[role] = dict(options, loss_weight=official['loss_weight'])
        return found

    def forward(self, video, query):
        return self.pyramid(self.neck(video, query))


def load_features(name, arrays):
    """Per-sample videos (T, N, P, C) and queries (L, N, C)."""
    if not any(key.startswith(('query.', 'query_int8.')) for key in arrays):
        # this case shares the features of the first sample of another one
        other = load_file(FOLDER / f'{name}.padded_batch.inputs.safetensors')
        arrays = {**arrays, **{k: v for k, v in other.items() if k.endswith('.0')}}
    videos, queries = [], []
    i = 0
    while f'query.{i}' in arrays or f'query_int8.{i}' in arrays:
        for kind, found in (('video', videos), ('query', queries)):
            if f'{kind}.{i}' in arrays:
                found.append(arrays[f'{kind}.{i}'])
            elif f'{kind}_int8.{i}' in arrays:
                found.append(arrays[f'{kind}_int8.{i}'].float() / 32)
            else:
                frame, patch, sign = (
                    arrays[f'video_{part}_int8.{i}'].float()
                    for part in ('frame', 'patch', 'sign')
                )
                spread = sign[:, None, :, None] * patch[None]
                found.append((frame[:, :, None] + spread) / 32)
        i += 1
    return videos, queries


def make_sample(arrays, i):
    meta = dict(positive_clip=int(arrays[f'pos_clip.{i}']))
    meta['num_clips'] = len(arrays[f'saliency.{i}'])
    if f'fps.{i}' in arrays:
        meta['fps'] = float(arrays[f'fps.{i}'])
        meta['duration'] = float(arrays[f'duration.{i}'])
    sample = GroundingDataSample(metainfo=meta)
    sample.gt_saliency = arrays[f'saliency.{i}']
    if f'boundary.{i}' in arrays:
        sample.gt_moments = InstanceData(spans=arrays[f'boundary.{i}'])
    return sample


@pytest.fixture(params=CASES)
def case(request):
    name = request.param.split('.')[0]
    arrays = load_file(FOLDER / f'{request.param}.inputs.safetensors')
    videos, queries = load_features(name, arrays)
    video, video_mask = pad_sequences(videos)
    query, query_mask = pad_sequences(queries)
    inputs = (
        VideoFeatures(mask=video_mask, layers=list(video.unbind(2))),
        QueryFeatures(mask=query_mask, layers=list(query.unbind(2))),
    )
    samples = [make_sample(arrays, i) for i in range(len(videos))]
    return Net(name), inputs, samples, load_file(FOLDER / f'{request.param}{OUTPUTS}')


def test_golden_r2_features(case):
    net, inputs, _, expected = case
    with torch.no_grad():
        neck_in, layer = [], net.neck.layer
        layer.register_forward_pre_hook(lambda _, args: neck_in.append(args[0]))
        hidden = []
        layer.register_forward_hook(lambda _, args, out: hidden.append(out))
        fused = net(*inputs)
        for k, step in enumerate(fused.steps):
            pooled = net.head.query_pool(step.words, fused.words_mask)[:, None]
            close(step.clips, expected[f'step{k}.video_cls'])
            close(step.words, expected[f'step{k}.query_map'])
            close(pooled, expected[f'step{k}.query_pooled'])
            close(neck_in[k], expected[f'step{k}.temporal_in'])
            close(hidden[k], expected[f'step{k}.hidden'])
        assert f'step{len(fused.steps)}.hidden' not in expected
        length = torch.full((len(fused.mask),), fused.mask.size(1))
        code = sine_position(length, fused.mask.size(1), fused.clips.size(2))
        close(code, expected['pos_enc'])
        close(fused.clips, expected['hidden_relu'])
        for j, (level, mask) in enumerate(zip(fused.levels, fused.level_masks)):
            close(level, expected[f'pyramid.{j}'])
            assert torch.equal(mask.long(), expected[f'pyramid_mask.{j}'])
        assert f'pyramid.{len(fused.levels)}' not in expected


def test_golden_r2_head(case):
    net, inputs, samples, expected = case
    with torch.no_grad():
        outputs = net.head(net(*inputs))
    close(outputs.logits[..., None], expected['out_class'])
    if 'target_cls' not in expected or 'out_coord' not in expected:
        return
    close(outputs.distances, expected['out_coord'])
    assert torch.equal(outputs.points, expected['points'])
    positive, distances = net.head.assign(outputs.points, samples)
    assert torch.equal(positive.float(), expected['target_cls'])
    close(distances[positive], expected['target_reg'][positive], TARGET)


def test_golden_r2_losses_and_gradients(case):
    net, inputs, samples, expected = case
    losses = net.head.loss(net(*inputs), samples)
    names = dict(
        cls='cls', boundary='reg', saliency='sal', video='video_cal', layer='layer_cal'
    )
    for role, name in names.items():
        if f'loss_{name}' in expected:
            close(losses[f'loss_{role}'].reshape(1), expected[f'loss_{name}'])
        else:
            assert f'loss_{role}' not in losses
    total = sum(losses.values())
    close(total.detach().reshape(1), expected['loss_total'])
    total.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())
    for key, gradient in gradients(net).items():
        for kind in ('grad', 'grad_norm', 'grad_sum'):
            if f'{kind}/{key}' in expected:
                compare_gradient(kind, gradient, expected[f'{kind}/{key}'])


def gradients(net):
    """Gradients by the authors' names, without those that are rounding noise."""
    ours = {
        key: value.grad
        for key, value in net.named_parameters()
        if value.grad is not None and not key.endswith(NOISE)
    }
    return by_official_name(ours)


def by_official_name(ours):
    names = {}
    for file in FOLDER.glob('*.state.safetensors'):
        for key, value in load_file(file).items():
            for ours_key in rename({key: value}, CONVERTER['RULES']):
                names[ours_key] = key
    return {names[key]: value for key, value in ours.items()}


def compare_gradient(kind, gradient, expected):
    if kind == 'grad':
        close(gradient, expected, GRADIENT)
    elif kind == 'grad_norm':
        close(gradient.norm().reshape(1), expected, GRADIENT)
    else:
        # sums of many terms cancel: compare on the scale of the terms
        error = (gradient.sum() - expected).abs().item()
        assert error <= GRADIENT.relative * gradient.abs().sum().item()


def test_golden_r2_predictions(case):
    net, inputs, samples, expected = case
    if 'pred_saliency' not in expected:
        pytest.skip('recorded for batches of one only')
    with torch.no_grad():
        (sample,) = net.head.predict(net(*inputs), samples)
    close(sample.pred_saliency, expected['pred_saliency'])
    if 'pred_windows_raw' not in expected:
        assert len(sample.pred_moments.spans) == 0
        return
    windows = expected['pred_windows_raw']
    close(sample.pred_moments.scores, windows[:, 2])
    close(sample.pred_moments.spans, windows[:, :2], SECONDS)


TRAIN = sorted(FOLDER.glob(f'*.train*{OUTPUTS}'))


@pytest.mark.parametrize('file', TRAIN, ids=lambda file: file.name)
def test_golden_r2_optimiser_steps(file):
    name = file.name.split('.')[0]
    arrays = load_file(FOLDER / f'{name}.padded_batch.inputs.safetensors')
    videos, queries = load_features(name, arrays)
    (video, video_mask), (query, query_mask) = map(pad_sequences, (videos, queries))
    samples = [make_sample(arrays, i) for i in range(len(videos))]
    expected = load_file(file)
    net = Net(name)
    optimizer = torch.optim.AdamW(net.parameters(), lr=5e-4, weight_decay=1e-4)

    def total():
        fused = net(
            VideoFeatures(mask=video_mask, layers=list(video.unbind(2))),
            QueryFeatures(mask=query_mask, layers=list(query.unbind(2))),
        )
        return sum(net.head.loss(fused, samples).values())

    losses, norms = [], []
    for _ in expected['grad_norms']:
        loss = total()
        optimizer.zero_grad()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(net.parameters(), 35))
        optimizer.step()
        losses.append(loss.detach())
    losses.append(total().detach())
    close(torch.stack(losses), expected['losses'])
    close(torch.stack(norms), expected['grad_norms'], GRADIENT)
    ours = {k: v.detach() for k, v in net.named_parameters() if not k.endswith(NOISE)}
    for key, value in by_official_name(ours).items():
        if f'after3/{key}' in expected:
            close(value, expected[f'after3/{key}'], GRADIENT)


LABELS = FOLDER / 'labels.inputs.json'
ITEMS = json.loads(LABELS.read_text())


@pytest.mark.parametrize('item', ITEMS, ids=lambda item: str(item['id']))
def test_golden_r2_point_targets(item):
    arrays = load_file(FOLDER / f'labels{OUTPUTS}')
    points, moments, positive, distances = (
        arrays[f'{item["id"]}.{name}']
        for name in ('points', 'boundary', 'target_cls', 'target_reg')
    )
    strides = points[:, 3].unique(sorted=True).int().tolist()
    generator = PointGenerator(strides=(1, 2, 4, 8))
    lengths = [item['num_frames'] // stride for stride in strides]
    assert torch.equal(generator(lengths, points.device), points)
    found, reach = PointTargetAssigner()(points, moments[None] * item['fps'])
    assert torch.equal(found[0].float(), positive)
    mask = found[0]
    close(reach[0][mask], distances[mask], TARGET)


# peak learning rate, iterations of warm-up, first epoch at a tenth (None: never)
SCHEDULES = dict(
    qvhighlights=(5e-4, 500, 20),
    charades=(2.5e-4, 500, 30),
    tvsum=(5e-4, 50, None),
)


@pytest.mark.parametrize('setting', SCHEDULES)
def test_golden_r2_schedule(setting):
    arrays = load_file(FOLDER / f'schedule{OUTPUTS}')
    rate, warmup, drop = SCHEDULES[setting]
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    # mmengine reaches the full rate one iteration before `end`
    linear = LinearLR(
        optimizer, start_factor=1e-3, by_epoch=False, begin=0, end=warmup + 1
    )
    steps = []
    if drop is not None:
        steps = [MultiStepLR(optimizer, milestones=[drop], gamma=0.1, by_epoch=True)]
    per_epoch = int(arrays[f'{setting}.iters_per_epoch'])
    wanted = arrays[f'{setting}.iter'].tolist()
    rates = []
    for i in range(max(wanted) + 1):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()  # without gradients: only the order of calls matters
        linear.step()
        if (i + 1) % per_epoch == 0:
            for scheduler in steps:
                scheduler.step()
    found = torch.tensor([rates[i] for i in wanted], dtype=torch.float64)
    rates = arrays[f'{setting}.lr']
    assert torch.allclose(found, rates, rtol=TARGET.relative, atol=0)
