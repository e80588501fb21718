"""Moment-DETR against numbers recorded with the authors' code."""

import pytest
import torch
from detr_golden import (
    PREDICTIONS,
    Case,
    cases,
    compare_gradients,
    converter,
    fit_inputs,
    moment_losses,
)
from tolerances import (
    DETR_LOSS,
    LOGITS,
    SALIENCY,
    SPANS,
    STATES,
    close,
    compare_predictions,
)

from mmvtg.models.heads import DETRHead
from mmvtg.models.heads.targets import stack_centers
from mmvtg.models.necks import JointEncoder
from mmvtg.models.task_modules import MomentPostProcessor

CONVERTER = converter('moment_detr')


class Net(torch.nn.Module):
    """Neck and head with the settings and weights of one recording, no dropout."""

    def __init__(self, case):
        super().__init__()
        options, weights = case.options, case.meta['loss_weights']
        state, settings = CONVERTER['convert'](case.state(), options['use_txt_pos'])
        layer = dict(
            num_heads=options['nheads'],
            ffn_channels=options['dim_feedforward'],
            dropout=0.0,
        )
        neck, head = settings['neck'], settings['head']
        neck['layer'] = head['decoder']['layer'] = layer
        fit_inputs(neck, case)
        losses = dict(
            moment_losses(case),
            saliency=dict(
                type='SaliencyHingeLoss',
                margin=options['saliency_margin'],
                loss_weight=weights['loss_saliency'],
            ),
        )
        if options['contrastive_align_loss']:
            losses['words'] = dict(
                type='QueryWordLoss',
                temperature=options['temperature'],
                loss_weight=weights['loss_contrastive_align'],
            )
        head['decoder']['type'] = 'QueryDecoder'
        head['matcher'] = dict(
            type='HungarianMatcher',
            span_weight=options['set_cost_span'],
            giou_weight=options['set_cost_giou'],
            class_weight=options['set_cost_class'],
        )
        self.neck = JointEncoder(**neck)
        self.head = DETRHead(**head, losses=losses, official_padding=True)
        self.load_state_dict(state)
        self.double()
        if self.neck.word_position:
            self.neck.word_position.dropout.p = 0.0


@pytest.fixture(scope='module', params=cases('moment_detr'))
def case(request):
    return Case('moment_detr', request.param)


@pytest.fixture(scope='module')
def net(case):
    return Net(case)


def test_golden_moment_detr_forward_and_matching(case, net):
    net.eval()
    with torch.no_grad():
        fused = net.neck(*case.inputs())
        outputs = net.head(fused)
        targets, counts = stack_centers(case.samples(), fused.mask)
        found = net.head.matcher(outputs.logits, outputs.spans, targets, counts)
    mask, data = case.mask, case.data
    if 'inter/position_embed/call0' in data:
        close(fused.position, data['inter/position_embed/call0'], STATES)
    if 'inter/transformer/call0/0' in data:
        close(outputs.states, data['inter/transformer/call0/0'], STATES)
        close(
            fused.clips[mask],
            data['inter/transformer/call0/1'][:, : mask.size(1)][mask],
            STATES,
        )
    close(outputs.logits, case.layers('pred_logits'), LOGITS)
    close(outputs.spans, case.layers('pred_spans'), SPANS)
    close(outputs.saliency[mask], data['out/saliency_scores'][mask], SALIENCY)
    assert torch.equal(found, case.matching())


def test_golden_moment_detr_losses_and_gradients(case, net):
    net.train()
    losses = net.head.loss(net.neck(*case.inputs()), case.samples())
    weights, recorded = case.meta['loss_weights'], case.meta['losses']
    names = {key: key.replace('contrastive_align', 'words') for key in weights}
    assert set(losses) == set(names.values())
    for theirs, ours in names.items():
        close(losses[ours], weights[theirs] * recorded[theirs], DETR_LOSS)
    total = sum(losses.values())
    close(total, case.meta['total_weighted_train'], DETR_LOSS)
    net.zero_grad()
    total.backward()
    rules = CONVERTER['make_rules'](case.options['use_txt_pos'])
    compare_gradients(net, case, rules)


@pytest.mark.parametrize('recorded, settings', PREDICTIONS)
def test_golden_moment_detr_predictions(case, net, recorded, settings):
    net.eval()
    if settings:
        net.head.post_processor = MomentPostProcessor(
            **settings, max_time=150.0, round_all=True
        )
    with torch.no_grad():
        samples = net.head.predict(net.neck(*case.inputs()), case.samples())
    compare_predictions(samples, case.meta[recorded])
