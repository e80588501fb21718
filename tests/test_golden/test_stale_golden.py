"""STALE's parts against the authors' code, and against an independent reference."""

import json

import numpy as np
import pytest
import torch
from golden_files import golden_folder
from safetensors.torch import load_file
from tolerances import STALE_LOSS, STALE_OUTPUT, STALE_SCORE, STALE_SEGMENT, close

from mmvtg.datasets.transforms.joining import resample_rows
from mmvtg.models.decoders import MaskDecoder
from mmvtg.models.heads.foreground import QueryWeighting, binarize
from mmvtg.models.heads.mask_localizer import (
    DynamicMaskLocalizer,
    StaticMaskLocalizer,
    apply_filters,
)
from mmvtg.models.heads.snippet_classifier import classify_snippets
from mmvtg.models.layers import WideAttention, sine_code
from mmvtg.models.losses import (
    ActionMaskLoss,
    BCELoss,
    BranchConsistencyLoss,
    SnippetCELoss,
    WholeMaskLoss,
)
from mmvtg.models.losses.action_mask import batch_balanced_entropy, dice_loss
from mmvtg.models.task_modules import MaskCandidates, snippet_targets
from mmvtg.utils.conversion import count_layers, rename
from mmvtg.utils.detr_conversion import layer_rules

_DIR = golden_folder('stale')


def _read(name):
    file = _DIR / f'{name}.json'
    return load_file(file.with_suffix('.safetensors')), json.loads(file.read_text())


_OFFICIAL, _OFFICIAL_META = _read('stale')
_REFERENCE, _REFERENCE_META = _read('stale_reference')

_DECODER = r'transformer\.decoder\.layers\.(\d+)'
_CROSS = r'decoder.layers.\1.cross_attn.'
_RULES = [
    *layer_rules(r'transformer\.encoder\.layers\.(\d+)', r'encoder.layers.\1'),
    *layer_rules(_DECODER, r'decoder.layers.\1', norms='self_attn cross_attn ffn'),
    (_DECODER + r'\.multihead_attn\.in_proj_(\w+)', _CROSS + r'{qkv}_proj.\2'),
    (_DECODER + r'\.multihead_attn\.out_proj\.(\w+)', _CROSS + r'out_proj.\2'),
    (r'transformer\.encoder\.norm\.(\w+)', r'encoder_norm.\1'),
    (r'transformer\.decoder\.norm\.(\w+)', r'decoder.norm.\1'),
    (r'query_embed\.weight', 'decoder.query_embed.weight'),
    (r'input_proj\.(\w+)', r'input_proj.\1'),
    (r'mask_embed\.layers\.(\d)\.(\w+)', r'mask_mlp.layers.\1.\2'),
]


def _parameters(prefix):
    start = f'{prefix}.'
    return {k[len(start) :]: v for k, v in _OFFICIAL.items() if k.startswith(start)}


def _load_mask_decoder(prefix, pre_norm, heads):
    state = rename(_parameters(prefix), _RULES)
    state['input_proj.weight'] = state['input_proj.weight'].flatten(1)
    hidden, in_channels = state['input_proj.weight'].shape
    decoder = MaskDecoder(
        in_channels,
        hidden,
        len(state['mask_mlp.layers.2.bias']),
        num_queries=len(state['decoder.query_embed.weight']),
        encoder_layers=count_layers(state, 'encoder.layers.'),
        decoder_layers=count_layers(state, 'decoder.layers.'),
        layer=dict(
            num_heads=heads,
            ffn_channels=len(state['encoder.layers.0.ffn.linear_in.bias']),
            pre_norm=pre_norm,
        ),
    )
    decoder.load_state_dict(state)
    return decoder.eval()


def _attention(prefix, heads):
    state = _parameters(prefix)
    block = WideAttention(len(state['fc.bias']), heads)
    block.load_state_dict(state)
    return block.eval()


def _numbers(start):
    """0, 1, ... as far as the recording goes."""
    keys = {key.split('.')[0] for key in _OFFICIAL} | {
        key.split('.')[0] for key in _REFERENCE
    }
    return sorted(int(key[len(start) :]) for key in keys if key.startswith(start))


@pytest.mark.parametrize('number', _numbers('snippet_attention'))
@torch.no_grad()
def test_golden_stale_temporal_attention(number):
    name = f'snippet_attention{number}'
    heads = _OFFICIAL_META['snippet_attention'][number]['heads']
    block = _attention(f'{name}.param', heads)
    out = block(_OFFICIAL[f'{name}.q'], _OFFICIAL[f'{name}.kv'])
    close(out, _OFFICIAL[f'{name}.out'], STALE_OUTPUT)


@pytest.mark.parametrize('number', _numbers('mask_decoder'))
@torch.no_grad()
def test_golden_stale_mask_decoder(number):
    name, meta = f'mask_decoder{number}', _OFFICIAL_META['mask_decoder'][number]
    decoder = _load_mask_decoder(f'{name}.param', meta['pre_norm'], meta['heads'])
    memory = _OFFICIAL[f'{name}.memory'].squeeze(2).transpose(1, 2)
    clips = _OFFICIAL[f'{name}.mask_features'].squeeze(-1).transpose(1, 2)
    position = _OFFICIAL[f'{name}.pos'].squeeze(2).transpose(1, 2)
    mask = torch.ones(memory.shape[:2], dtype=torch.bool)
    masks = decoder(memory, clips, mask, position)
    close(masks, _OFFICIAL[f'{name}.pred_masks'].squeeze(-1), STALE_OUTPUT)


@pytest.mark.parametrize('number', _numbers('dynamic_head'))
def test_golden_stale_dynamic_filters(number):
    name, meta = f'dynamic_head{number}', _OFFICIAL_META['dynamic_head'][number]
    features = _OFFICIAL[f'{name}.features'].squeeze(-1)[0]
    features = features.unflatten(0, (meta['instances'], meta['in_channels']))
    filters = _OFFICIAL[f'{name}.params']
    out = apply_filters(features, filters, meta['channels'], len(meta['bias_nums']))
    close(out, _OFFICIAL[f'{name}.out'][0, ..., 0], STALE_OUTPUT)


@pytest.mark.parametrize('number', _numbers('loss'))
def test_golden_stale_losses_of_the_authors(number):
    name, meta = f'loss{number}', _OFFICIAL_META['losses'][number]
    probability, target = (_OFFICIAL[f'{name}.mask_{k}'] for k in ('prob', 'gt'))
    dice = dice_loss(probability.flatten(1), target.flatten(1), factor=1).mean()
    close(dice, meta['dice'], STALE_LOSS)
    entropy = batch_balanced_entropy(probability.flatten(), target.flatten())
    close(entropy, meta['weighted_bce'], STALE_LOSS)
    mask = torch.ones(target.shape[:2], dtype=torch.bool)
    both = WholeMaskLoss()(torch.logit(probability), target.bool(), mask, mask)
    close(both, meta['bottom'], STALE_LOSS)
    logits, labels = _OFFICIAL[f'{name}.logits'], _OFFICIAL[f'{name}.labels']
    ce = SnippetCELoss()(logits.transpose(1, 2), labels.long(), mask)
    close(ce, meta['ce'], STALE_LOSS)


@pytest.mark.parametrize('split', _numbers('split'))
@torch.no_grad()
def test_golden_stale_blocks_of_the_released_model(split):
    name = f'split{split}'
    clips = _OFFICIAL[f'{name}.in.snippets'].transpose(1, 2)
    mask = torch.ones(clips.shape[:2], dtype=torch.bool)
    embedding = _attention(f'{name}.param.embedding', 4)
    features = embedding(clips)
    close(features, _OFFICIAL[f'{name}.out.features'].transpose(1, 2), STALE_OUTPUT)

    state = _parameters(f'{name}.param.localizer_mask')
    localizer = StaticMaskLocalizer(clips.size(2), len(state['2.weight']))
    rules = [(r'0\.(\w+)', r'conv_in.\1'), (r'2\.(\w+)', r'conv_out.\1')]
    localizer.load_state_dict(rename(state, rules))
    masks = localizer(features, mask).sigmoid()
    close(masks, _OFFICIAL[f'{name}.out.mask'], STALE_OUTPUT)

    adaption = _attention(f'{name}.param.cross_att', 4)
    text = adaption(
        _OFFICIAL[f'{name}.mid.cross_att_in_text'],
        _OFFICIAL[f'{name}.mid.cross_att_in_visual'],
    )
    close(text, _OFFICIAL[f'{name}.mid.cross_att_out'], STALE_OUTPUT)


@pytest.mark.parametrize('split', _numbers('split'))
@torch.no_grad()
def test_golden_stale_mask_decoder_of_the_released_model(split):
    name = f'split{split}'
    clips = _OFFICIAL[f'{name}.in.snippets'].transpose(1, 2)
    mask = torch.ones(clips.shape[:2], dtype=torch.bool)
    decoder = _load_mask_decoder(f'{name}.param.masktrans', True, 2)
    # an image of one row: half of the channels say where in time
    size, half = clips.size(1), clips.size(2) // 2
    phase = 2 * np.pi * torch.arange(1, size + 1) / (size + 1e-6)
    codes = [sine_code(torch.full_like(phase, 2 * np.pi), half), sine_code(phase, half)]
    position = torch.cat(codes, dim=1).expand(len(clips), -1, -1)
    features = _OFFICIAL[f'{name}.out.features'].transpose(1, 2)
    masks = decoder(clips, features, mask, position)
    close(masks, _OFFICIAL[f'{name}.mid.pred_masks'].squeeze(-1), STALE_OUTPUT)
    close(masks[:, 0].sigmoid(), _OFFICIAL[f'{name}.out.fg'], STALE_OUTPUT)


@pytest.mark.parametrize('number', _numbers('resize'))
def test_golden_stale_rescaling(number):
    rows = _REFERENCE[f'resize{number}.in'].numpy()
    for key in ('linear100', 'linear256'):
        expected = _REFERENCE[f'resize{number}.{key}']
        close(
            torch.from_numpy(resample_rows(rows, len(expected))), expected, STALE_OUTPUT
        )


class _Reference:
    """One case of the recommended design."""

    def __init__(self, number):
        self.meta = _REFERENCE_META['reference'][number]
        start = f'ref{number}.'
        for key, value in _REFERENCE.items():
            if key.startswith(start):
                setattr(self, key[len(start) :], value)
        self.masks = self.mask
        self.clips = self.visual.transpose(1, 2)
        self.mask = torch.ones(self.clips.shape[:2], dtype=torch.bool)
        self.length, self.num_classes = self.meta['T'], self.meta['K']

    def foreground_logits(self):
        weighting = QueryWeighting(self.query_masks.size(1))
        state = {'linear.weight': self.query_weight, 'linear.bias': self.query_bias}
        weighting.load_state_dict(state)
        return weighting(self.query_masks)

    def mask_logits(self):
        channels = self.meta['dyn']['channels']
        localizer = DynamicMaskLocalizer(self.clips.size(2), channels)
        return localizer.run_filters(self.dyn_features, self.dyn_params, self.mask)

    def targets(self):
        rows = []
        for segments, duration in zip(self.meta['segments'], self.meta['durations']):
            values = torch.tensor(segments, dtype=torch.float64)
            labels = values[:, 2].long()
            rows.append(
                snippet_targets(
                    values[:, :2], labels, duration, self.length, self.num_classes
                )
            )
        return rows


@pytest.mark.parametrize('number', _numbers('ref'))
@torch.no_grad()
def test_golden_stale_reference_outputs(number):
    case = _Reference(number)
    probability = case.foreground_logits().sigmoid()
    close(probability, case.fg_prob, STALE_OUTPUT)
    chosen = binarize(probability, case.mask, case.meta['theta_bin'])
    assert torch.equal(chosen, case.fg_bin.bool())
    logits = classify_snippets(case.text, case.clips, chosen)
    close(logits.transpose(1, 2), case.logits, STALE_OUTPUT)
    close(case.mask_logits().sigmoid(), case.masks, STALE_OUTPUT)


@pytest.mark.parametrize('number', _numbers('ref'))
def test_golden_stale_reference_targets(number):
    case = _Reference(number)
    for row, one in enumerate(case.targets()):
        assert torch.equal(one.classes, case.labels_class[row].long())
        assert torch.equal(one.masks, case.labels_mask[row].bool())
        assert torch.equal(one.foreground, case.labels_fg[row].bool())


@pytest.mark.parametrize('number', _numbers('ref'))
@torch.no_grad()
def test_golden_stale_reference_losses(number):
    case, expected = _Reference(number), _REFERENCE_META['reference'][number]['losses']
    classes, fg = case.labels_class.long(), case.labels_fg.bool()
    logits = case.logits.transpose(1, 2)
    masks = case.mask_logits()
    close(SnippetCELoss()(logits, classes, case.mask), expected['cls'], STALE_LOSS)
    loss = ActionMaskLoss()(masks, case.labels_mask.bool(), fg, case.mask)
    close(loss, expected['mask'], STALE_LOSS)
    loss = BCELoss()(case.foreground_logits(), fg.float(), case.mask)
    close(loss, expected['comp'], STALE_LOSS)
    loss = BranchConsistencyLoss()(logits, masks, case.clips, case.mask)
    close(loss, expected['const'], STALE_LOSS)


@pytest.mark.parametrize('number', _numbers('ref'))
@torch.no_grad()
def test_golden_stale_reference_candidates(number):
    case = _Reference(number)
    meta = case.meta['infer']
    logits = case.logits.transpose(1, 2) / meta['logit_divisor']
    scores, masks = logits.softmax(-1)[..., :-1], case.mask_logits().sigmoid()
    candidates = MaskCandidates(
        class_threshold=meta['theta_c'],
        top_clips=meta['top_snippets'],
        mask_thresholds=meta['thetas'],
        min_share=meta['min_fraction'],
    )
    for row, expected in enumerate(meta['detections']):
        spans, score, label = candidates(scores[row], masks[row])
        expected = torch.tensor(expected, dtype=torch.float64)
        spans = spans.double() * case.meta['durations'][row]
        close(spans, expected[:, :2], STALE_SEGMENT)
        close(score, expected[:, 2], STALE_SCORE)
        assert label.tolist() == expected[:, 3].tolist()
