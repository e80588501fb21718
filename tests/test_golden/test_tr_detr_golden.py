"""TR-DETR against numbers recorded with the authors' code."""

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

from mmvtg.models.heads import TRDETRHead
from mmvtg.models.heads.targets import stack_centers
from mmvtg.models.necks import CrossEncoder
from mmvtg.models.task_modules import MomentPostProcessor

CONVERTER = converter('tr_detr')


class Net(torch.nn.Module):
    """Neck and head with the settings and weights of one recording, no dropout."""

    def __init__(self, case):
        super().__init__()
        options = case.options
        state, settings = CONVERTER['convert'](case.state())
        neck, head = settings['neck'], settings['head']
        layer = dict(num_heads=options['nheads'], dropout=0.0)
        neck['layer'].update(layer)
        fit_inputs(neck, case)
        head['layer'].update(layer)
        head['decoder']['layer'].update(layer)
        margin, padding = options['saliency_margin'], 'fixedmask' not in case.name
        losses = dict(
            moment_losses(case),
            saliency=dict(type='SaliencyHingeLoss', margin=margin),
            rank=dict(type='RankContrastLoss'),
            align_clips=dict(type='BCELoss', loss_weight=options['CTC_loss_coef']),
            align_videos=dict(type='InfoNCELoss', loss_weight=options['VTC_loss_coef']),
        )
        losses['label'].update(type='FocalLoss', alpha=0.25)
        del losses['label']['background_weight']
        self.neck = CrossEncoder(**neck, refine=True, official_padding=padding)
        self.head = TRDETRHead(**head, losses=losses, official_padding=True)
        self.load_state_dict(state)
        self.neck.refine.dropout.p = 0.0
        self.double()


@pytest.fixture(scope='module', params=cases('tr_detr'))
def case(request):
    return Case('tr_detr', request.param)


@pytest.fixture(scope='module')
def net(case):
    return Net(case)


def test_golden_tr_detr_forward_and_matching(case, net):
    with torch.no_grad():
        fused = net.eval().neck(*case.inputs())
        outputs, raised = net.head(fused), net.head.raise_salient(fused)
        targets, counts = stack_centers(case.samples(), fused.mask)
        found = net.head.matcher(outputs.logits, outputs.spans, targets, counts)
        decoded = net.head.decoder(raised)
    mask, data = case.mask, case.data
    if 'inter/transformer/call0/0' in data:
        close(decoded.states, data['inter/transformer/call0/0'], STATES)
        close(decoded.anchors, data['inter/transformer/call0/1'], STATES)
        close(raised.clips[mask], data['inter/transformer/call0/2'][mask], STATES)
    close(outputs.logits, case.layers('pred_logits'), LOGITS)
    close(outputs.spans, case.layers('pred_spans'), SPANS)
    close(outputs.saliency[mask], data['out/saliency_scores'][mask], SALIENCY)
    assert torch.equal(found, case.matching())


def test_golden_tr_detr_losses_and_gradients(case, net):
    losses = net.head.loss(net.train().neck(*case.inputs()), case.samples())
    weights, recorded = dict(case.meta['loss_weights']), dict(case.meta['losses'])
    del weights['loss_saliency']
    parts, extra = case.meta['saliency_loss_parts'], case.meta['extra_losses']
    recorded['loss_rank'] = parts['rank_contrastive']
    recorded['loss_saliency'] = parts['margin']
    recorded['loss_align_clips'] = extra['loss_local_CTC']
    recorded['loss_align_videos'] = extra['loss_global_VTC']
    weights['loss_align_clips'] = case.options['CTC_loss_coef']
    weights['loss_align_videos'] = case.options['VTC_loss_coef']
    weights['loss_rank'] = weights['loss_saliency'] = 1.0
    assert set(weights) == set(losses)
    for key, value in losses.items():
        close(value, weights[key] * recorded[key], DETR_LOSS)
    total = sum(losses.values())
    close(total, case.meta['total_weighted_train'], DETR_LOSS)
    net.zero_grad()
    total.backward()
    compare_gradients(net, case, CONVERTER['RULES'])


@pytest.mark.parametrize('recorded, settings', PREDICTIONS)
def test_golden_tr_detr_predictions(case, net, recorded, settings):
    if recorded not in case.meta:
        pytest.skip('not recorded')
    net.head.post_processor = settings and MomentPostProcessor(
        **settings, max_time=150.0, round_all=True
    )
    with torch.no_grad():
        samples = net.head.predict(net.eval().neck(*case.inputs()), case.samples())
    compare_predictions(samples, case.meta[recorded])
