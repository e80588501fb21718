"""UniVTG against numbers recorded with the authors' code."""

import pytest
import torch
from detr_golden import (
    Case,
    cases,
    compare_gradients,
    converter,
    fit_inputs,
)
from tolerances import (
    DETR_LOSS,
    SALIENCY,
    SPANS,
    STATES,
    close,
    compare_predictions,
)

from mmvtg.models.heads import UniVTGHead
from mmvtg.models.necks import JointEncoder
from mmvtg.models.task_modules import MomentPostProcessor

CONVERTER = converter('univtg')


class Net(torch.nn.Module):
    """Neck and head with the settings and weights of one recording, no dropout."""

    def __init__(self, case):
        super().__init__()
        options, weights = case.options, case.meta['loss_weights']
        state, settings = CONVERTER['convert'](case.state())
        neck = settings['neck']
        neck['layer'].update(num_heads=options['nheads'], dropout=0.0)
        fit_inputs(neck, case)
        temperature = options['temperature']
        losses = dict(
            cls=dict(
                type='BCELoss',
                background_weight=options['eos_coef'],
                loss_weight=weights['loss_f'],
            ),
            # theirs are sums over both coordinates, and over both directions
            boundary=dict(
                type='SpanL1Loss', beta=1.0, loss_weight=2 * weights['loss_b']
            ),
            giou=dict(type='SpanGIoULoss', loss_weight=weights['loss_g']),
            saliency=dict(
                type='SaliencyNCELoss',
                temperature=temperature,
                strict=True,
                loss_weight=weights['loss_s_intra'],
            ),
            video=dict(
                type='InfoNCELoss',
                temperature=temperature,
                loss_weight=2 * weights['loss_s_inter'],
            ),
        )
        self.neck = JointEncoder(**neck)
        self.head = UniVTGHead(
            **settings['head'],
            losses=losses,
            point_offset=options['clip_length'] / 2,
            official_padding=True,
        )
        self.load_state_dict(state)
        self.double()


@pytest.fixture(scope='module', params=cases('univtg'))
def case(request):
    case = Case('univtg', request.param)
    make = case.samples

    def samples():
        made = make()
        for k, sample in enumerate(made):
            # as annotated: points and ends of moments coincide, no bit may be lost
            windows = case.meta['annotations'][k]['relevant_windows']
            sample.gt_moments.spans = torch.tensor(windows, dtype=torch.float32)
            sample.gt_saliency = case.data['tgt/saliency_scores'][k]
        return made

    case.samples = samples
    return case


@pytest.fixture(scope='module')
def net(case):
    return Net(case)


def test_golden_univtg_forward_and_targets(case, net):
    data, mask = case.data, case.mask
    net.eval()
    with torch.no_grad():
        fused = net.neck(*case.inputs())
        outputs = net.head(fused)
    points = net.head.points(mask) / mask.sum(1, keepdim=True)
    recorded = data['tgt/timestamp'][..., 0]
    close(points.masked_fill(~mask, 0), recorded.masked_fill(~mask, 0))
    offsets = outputs.spans - points[..., None]
    close(offsets, data['out/pred_spans'], SPANS)
    close(outputs.logits.sigmoid()[..., None], data['out/pred_logits'], SALIENCY)
    close(outputs.similarity[mask], data['out/saliency_scores'][mask], SALIENCY)
    if 'out/txt_mem_proj' in data:
        close(outputs.query[:, None], data['out/txt_mem_proj'], STATES)
    if 'out/vid_mem_proj' in data:
        close(fused.steps[0].clips[mask], data['out/vid_mem_proj'][mask], STATES)
    inside, target = net.head.assign(case.samples(), mask)
    assert torch.equal(inside.float(), data['tgt/timestamp_window'])
    close(target[inside], data['tgt/span_labels_nn'][inside])


def test_golden_univtg_losses_and_gradients(case, net):
    weights = case.meta['loss_weights']
    net.train()
    # the authors' DropPath of the recording is off
    losses = net.head.loss(net.neck(*case.inputs()), case.samples())
    names = dict(cls='f', boundary='b', giou='g', saliency='s_intra', video='s_inter')
    assert len(losses) == len(weights)
    for ours, theirs in names.items():
        key = f'loss_{theirs}'
        close(
            losses[f'loss_{ours}'], weights[key] * case.meta['losses'][key], DETR_LOSS
        )
    total = sum(losses.values())
    close(total, case.meta['total_weighted'], DETR_LOSS)
    net.zero_grad()
    total.backward()
    compare_gradients(net, case, CONVERTER['RULES'])


@pytest.mark.parametrize('suppressed', [False, True])
@torch.no_grad()
def test_golden_univtg_predictions(case, net, suppressed):
    recorded = case.meta['predictions']
    if suppressed:
        recorded = {'eval_mode=add,round_multiple=-1': recorded}
        recorded = dict.fromkeys(recorded, case.meta['predictions_after_nms_0p7'])
    net.eval()
    fused = net.neck(*case.inputs())
    nms = dict(kind='hard', iou_threshold=0.7 + 1e-6)
    for setting, expected in recorded.items():
        mode, rounding = (part.split('=')[1] for part in setting.split(','))
        net.head.saliency_parts = ('class', 'similarity')[mode != 'add' :]
        net.head.post_processor = MomentPostProcessor(
            unit=None if rounding == '-1' else case.options['clip_length'],
            nms=nms if suppressed else None,
            round_all=True,
            keep=10 if suppressed else None,
        )
        samples = net.head.predict(fused, case.samples())
        # the authors list padded clips, too, with a score of zero
        expected = [dict(row) for row in expected]
        for row in expected:
            windows = row['pred_relevant_windows']
            row['pred_relevant_windows'] = [w for w in windows if w[2] > 0]
        compare_predictions(samples, expected, smallest=1.0)
