"""VDI on MMN against a slow float64 reference: one whole training step, and scores."""

import json
import runpy
from pathlib import Path

import pytest
import torch
from golden_files import golden_folder
from mmengine.structures import InstanceData
from safetensors.torch import load_file
from small_clip import add_small_clip
from tolerances import close

import mmvtg  # noqa: F401
from mmvtg.models.necks.proposal_map import range_max
from mmvtg.registry import MODELS
from mmvtg.structures import GroundingDataSample
from mmvtg.utils.conversion import rename
from mmvtg.utils.detr_conversion import layer_rules

ROOT = Path(__file__).parents[2]
FOLDER = golden_folder('vdi')
CASES = sorted(path.stem for path in FOLDER.glob('*.json'))
DECODER = r'vdi\.vc_decoder\.layers\.(\d+)'
RULES = [
    *layer_rules(
        DECODER, r'injection.context.decoder.\1', norms='self_attn cross_attn ffn'
    ),
    (
        DECODER + r'\.multihead_attn\.in_proj_(\w+)',
        r'injection.context.decoder.\1.cross_attn.{qkv}_proj.\2',
    ),
    (
        DECODER + r'\.multihead_attn\.out_proj\.(\w+)',
        r'injection.context.decoder.\1.cross_attn.out_proj.\2',
    ),
    *layer_rules(
        r'vdi\.sd_encoder\.layers\.(\d+)', r'injection.dynamics.sequence.layers.\1'
    ),
    (r'vdi\.vc_fc\.(\w+)', r'injection.context.query_proj.\1'),
    (r'vdi\.sd_global_fc\.(\w+)', r'injection.dynamics.frame_proj.\1'),
    (r'vdi\.sd_patch_fc\.(\w+)', r'injection.dynamics.patch_proj.\1'),
    (r'vdi\.sd_flat_fc\.(\w+)', r'injection.dynamics.heatmap_proj.\1'),
    (r'vdi\.sd_query_fc\.(\w+)', r'injection.dynamics.query_proj.\1'),
    (r'vdi\.sd_time_pos', r'injection.dynamics.time_position'),
    (r'(visual\..*)', r'vision_tower.clip.\1'),
    (
        r'((?:token_embedding|positional_embedding|transformer|ln_final|text_projection)'
        r'.*)',
        r'text_tower.clip.\1',
    ),
]
# the gradient of what has none: a bias before batch norm, of keys, and queries and
# keys of an attention over one token
NOISE = 1e-12


def names_of(official):
    """Recorded tensors by our names, in float64."""
    convert = runpy.run_path(str(ROOT / 'tools' / 'model_converters' / 'mmn.py'))
    theirs = ('proposal_conv.', 'text_encoder.')
    # converters write float32; what that loses is converted on its own
    rest = {key: value - value.float().double() for key, value in official.items()}
    ours = {}
    for part in (official, rest):
        mmn = {k: v for k, v in part.items() if k.startswith(theirs)}
        others = {k: v for k, v in part.items() if not k.startswith(theirs)}
        state = rename(mmn, convert['_RULES']) | rename(others, RULES)
        for key, value in state.items():
            pointwise = key.startswith('head.proposal') and value.dim() > 1
            value = value.flatten(1) if pointwise else value
            key = key.replace('.clip.visual.', '.clip.')
            ours[key] = ours.get(key, 0) + value.double()
    return ours


class Case:
    def __init__(self, name, folder):
        meta = json.loads((FOLDER / f'{name}.json').read_text())
        self.config, self.losses = meta['config'], meta['losses']
        data = load_file(FOLDER / f'{name}.safetensors')
        self.data = {
            key: value.double() if value.is_floating_point() else value
            for key, value in data.items()
        }
        self.model = MODELS.build(self.settings(name, folder)).double()
        state = names_of(self.part('param.'))
        missing, unknown = self.model.load_state_dict(state, strict=False)
        assert not unknown
        assert all(key.endswith(('mean', 'std')) or 'norms.' in key for key in missing)

    def part(self, prefix):
        return {
            key[len(prefix) :]: value
            for key, value in self.data.items()
            if key.startswith(prefix)
        }

    def settings(self, name, folder):
        c = self.config
        add_small_clip(folder, f'golden-{name}', c)
        tap = dict(type='LayerTap', num_layers=1, storage_dtype=None)
        layer = dict(num_heads=c['inj_heads'], ffn_channels=c['inj_ffn'], dropout=0.0)
        return dict(
            type='VideoGrounder',
            vision_tower=dict(
                type='CLIPVisionTower', model=f'golden-{name}', hooks=[tap]
            ),
            text_tower=dict(type='CLIPTextTower', model=f'golden-{name}', frozen=False),
            neck=dict(
                type='ProposalMap',
                in_channels=c['dim'],
                channels=c['conv_width'],
                num_clips=c['num_clips'],
                num_frames=c['frames'],
                counts=c['pooling_counts'],
                kernel_size=c['conv_k'],
                num_layers=c['conv_layers'],
                project=False,
            ),
            head=dict(
                type='MMNHead',
                channels=c['conv_width'],
                query_dims=c['dim'],
                embed_dims=c['joint'],
                losses=dict(
                    iou=dict(type='BCELoss', loss_weight=c['w_iou']),
                    match=dict(
                        type='MutualMatchingLoss',
                        num_positives=c['top_k'],
                        margin=c['margin'],
                        temperature=c['tau_video'],
                        proposal_iou=c['neg_iou'],
                        query_iou=c['sent_removal_iou'],
                        loss_weight=c['w_cl'],
                    ),
                ),
                target_range=(c['min_iou'], c['max_iou']),
                score_power=c['score_pow'],
            ),
            injection=dict(
                type='VisualDynamicInjection',
                max_frames=c['max_frames'],
                context=dict(
                    channels=c['dim'],
                    num_layers=c['dec_layers'],
                    layer=layer,
                    loss_weight=c['w_vc'],
                ),
                dynamics=dict(
                    channels=c['dim'],
                    num_patches=c['grid'] ** 2,
                    num_layers=c['enc_layers'],
                    layer=layer,
                    loss_weight=c['w_sd'],
                ),
            ),
        )

    def tokens(self, name):
        ids = self.data[f'in.{name}']
        lengths = ids.argmax(1) + 1
        return ids, torch.arange(ids.size(1)) < lengths[:, None]

    def inputs(self):
        video, (query, mask) = self.data['in.frames'], self.tokens('ids')
        return dict(
            video=video,
            video_mask=torch.ones(video.shape[:2], dtype=torch.bool),
            video_owners=self.data['in.query_video'].long(),
            query=query,
            query_mask=mask,
        )

    def samples(self):
        samples = []
        for i, owner in enumerate(self.data['in.query_video'].tolist()):
            meta = dict(duration=self.data['in.durations'][owner].item(), query_id=i)
            for name in ('static', 'dynamic'):
                ids, mask = self.tokens(f'ids_{name}')
                meta[f'{name}_ids'] = ids[i][mask[i]].tolist()
            sample = GroundingDataSample(metainfo=meta)
            sample.gt_moments = InstanceData(spans=self.data['in.moments'][i][None])
            samples.append(sample)
        return samples


@pytest.fixture(scope='module', params=CASES)
def case(request, tmp_path_factory):
    return Case(request.param, tmp_path_factory.mktemp('clip'))


def test_intermediate_values(case):
    model, data, owners = case.model.train(), case.data, case.data['in.query_video']
    video, query = model.encode(case.inputs())
    close(video.clips, data['out.X_v'])
    patches = model.vision_tower.project(video.layers[-1][:, :, 1:])
    close(patches, data['out.X_patch'])
    close(query.pooled, data['out.x_q'])
    static, dynamic = (
        model.text_tower(*case.tokens(f'ids_{name}')).pooled
        for name in ('static', 'dynamic')
    )
    close(static, data['out.x_qs'])
    close(dynamic, data['out.x_qd'])
    context, dynamics = model.injection.context, model.injection.dynamics
    seen = context.look(static, video.clips[owners], video.mask[owners])
    close(seen, data['out.x_qs_tilde'])
    each = context.distances(
        None, static, dynamic, video.clips[owners], video.mask[owners]
    )
    close(each, data['out.loss_vc_each'])
    close(dynamics.heatmaps(video.clips, patches), data['out.heatmaps'])
    movements = dynamics.movements(video.clips, patches, video.mask)
    close(movements, data['out.m_tilde'])
    close(dynamics.disagreement(movements[owners], dynamic), data['out.loss_sd_matrix'])
    pooled = model.neck.pooling(video.clips, video.mask)
    close(pooled, data['out.clips'])
    cells = range_max(pooled, model.neck.cells)
    expected = data['out.map_pool']
    mask = data['out.mask'].bool()
    close(
        cells.transpose(1, 2), expected[..., mask] if expected.dim() == 4 else expected
    )


def test_training_step(case):
    model, expected, c = case.model.train(), case.losses, case.config
    model.zero_grad()
    losses = model.loss(case.inputs(), case.samples())
    weights = dict(
        loss_iou=('loss_iou', c['w_iou']),
        loss_moment=('loss_cl_vid', c['w_cl']),
        loss_query=('loss_cl_sent', c['w_cl']),
        loss_context=('loss_vc', c['w_vc']),
        loss_dynamic=('loss_sd', c['w_sd']),
    )
    assert set(losses) == set(weights)
    for name, (theirs, weight) in weights.items():
        close(losses[name], weight * expected[theirs])
    total = sum(losses.values())
    close(total, expected['loss_total'])
    total.backward()
    recorded = case.part('grad.')
    parameters = dict(model.named_parameters())
    compared = 0
    for key, value in names_of(recorded).items():
        ours = parameters[key].grad.view_as(value)
        if value.abs().max() < NOISE:
            assert ours.abs().max() < NOISE
        else:
            close(ours, value)
            compared += 1
    assert compared > 20
    assert all(p.grad is None for p in model.vision_tower.parameters())


def test_scores_without_the_injection(case):
    model = case.model
    norms = model.neck.conv.norms
    for norm, saved in zip(norms, running(case, len(norms))):
        norm.running_mean.copy_(saved[0])
        norm.running_var.copy_(saved[1])
    model.eval()
    injection, model.injection = model.injection, None
    with torch.no_grad():
        outputs = model.head(model.fuse(case.inputs()))
        close(outputs.contrast, case.data['eval.scores_contrastive'])
        close(outputs.logits.sigmoid(), case.data['eval.scores_iou'])
        found = model.predict(case.inputs(), case.samples())
    model.injection = injection
    best = torch.stack([sample.pred_moments.spans[0] for sample in found])
    close(best.double(), case.data['eval.best_moment'])


def running(case, count):
    """Batch statistics that the recording evaluates with."""
    for layer in range(count):
        key = f'param.proposal_conv.bn.{layer}.running_'
        yield case.data[f'{key}mean'], case.data[f'{key}var']
