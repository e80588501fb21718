"""QD-DETR against numbers recorded with the authors' code."""

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
from mmvtg.models.necks import CrossEncoder
from mmvtg.models.task_modules import MomentPostProcessor

CONVERTER = converter('qd_detr')


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
        head['decoder']['layer'].update(layer)
        margin = options['saliency_margin']
        losses = dict(
            moment_losses(case),
            saliency=dict(type='SaliencyHingeLoss', margin=margin),
            rank=dict(type='RankContrastLoss'),
            negative=dict(type='NegativePairLoss'),
        )
        self.neck = CrossEncoder(
            **neck,
            summary_token=True,
            negative_pairs=True,
            official_negatives=True,
            official_padding='fixedmask' not in case.name,
        )
        self.head = DETRHead(
            **head,
            saliency=dict(type='SummarySaliency'),
            losses=losses,
        )
        self.load_state_dict(state)
        self.double()


@pytest.fixture(scope='module', params=cases('qd_detr'))
def case(request):
    return Case('qd_detr', request.param)


@pytest.fixture(scope='module')
def net(case):
    return Net(case)


def test_golden_qd_detr_forward_and_matching(case, net):
    with torch.no_grad():
        fused = net.train().neck(*case.inputs())
        outputs = net.head(fused)
        targets, counts = stack_centers(case.samples(), fused.mask)
        found = net.head.matcher(outputs.logits, outputs.spans, targets, counts)
    mask, data = case.mask, case.data
    for call, own in enumerate((fused, fused.negative)):
        if f'inter/transformer/call{call}/2' in data:
            close(
                own.clips[mask], data[f'inter/transformer/call{call}/2'][mask], STATES
            )
            close(own.summary, data[f'inter/transformer/call{call}/3'], STATES)
    if 'inter/transformer/call0/0' in data:
        decoded = net.head.decoder(fused)
        close(decoded.states, data['inter/transformer/call0/0'], STATES)
        close(decoded.anchors, data['inter/transformer/call0/1'], STATES)
    close(outputs.logits, case.layers('pred_logits'), LOGITS)
    close(outputs.spans, case.layers('pred_spans'), SPANS)
    close(outputs.saliency[mask], data['out/saliency_scores'][mask], SALIENCY)
    close(outputs.negative[mask], data['out/saliency_scores_neg'][mask], SALIENCY)
    assert torch.equal(found, case.matching())


def test_golden_qd_detr_losses_and_gradients(case, net):
    losses = net.head.loss(net.train().neck(*case.inputs()), case.samples())
    weights, recorded = case.meta['loss_weights'], case.meta['losses']
    parts = case.meta['saliency_loss_parts']
    names = dict(saliency='margin', rank='rank_contrastive', negative='neg_pair')
    for ours, theirs in names.items():
        if theirs in parts:
            close(losses[f'loss_{ours}'], parts[theirs], DETR_LOSS)
    own = {f'loss_{role}' for role in names}
    total = sum(losses.values())
    close(sum(losses[key] for key in own), recorded['loss_saliency'], DETR_LOSS)
    for key in set(losses) - own:
        close(losses[key], weights[key] * recorded[key], DETR_LOSS)
    assert set(weights) - {'loss_saliency'} == set(losses) - own
    close(total, case.meta['total_weighted_train'], DETR_LOSS)
    if 'grad_norms' in case.meta:
        net.zero_grad()
        total.backward()
        compare_gradients(net, case, CONVERTER['RULES'])


@pytest.mark.parametrize('recorded, settings', PREDICTIONS)
def test_golden_qd_detr_predictions(case, net, recorded, settings):
    if recorded not in case.meta:
        pytest.skip('not recorded')
    net.head.post_processor = settings and MomentPostProcessor(
        **settings, max_time=150.0, round_all=True
    )
    with torch.no_grad():
        samples = net.head.predict(net.eval().neck(*case.inputs()), case.samples())
    compare_predictions(samples, case.meta[recorded])
