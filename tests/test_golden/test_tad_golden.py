"""Temporal action detection against the official evaluators, and soft-NMS."""

import json

import numpy as np
import pytest
import torch
from golden_files import golden_folder
from safetensors.numpy import load_file
from tolerances import close

from mmvtg.evaluation.functional import (
    evaluate_detections,
    evaluate_proposals,
    read_annotated_segments,
    read_detected_segments,
)
from mmvtg.models.task_modules import moment_nms

_DIR = golden_folder('tad_eval')
_EXPECTED = json.loads((_DIR / 'expected.json').read_text())
_SETS = [name for name in _EXPECTED if 'mAP' in _EXPECTED[name]]
_ARRAYS = dict(np.load(_DIR / 'expected.npz'))
_NMS = load_file(_DIR / 'soft_nms.safetensors')


def _read(name, deduplicate=False):
    truth = json.loads((_DIR / f'{name}.gt.json').read_text())
    predictions = json.loads((_DIR / f'{name}.pred.json').read_text())
    return (
        read_annotated_segments(truth, deduplicate=deduplicate),
        read_detected_segments(predictions),
    )


def _equal(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)


@pytest.mark.filterwarnings('ignore:.*detections are')
@pytest.mark.parametrize('name', _SETS)
def test_golden_tad_map(name):
    expected = _EXPECTED[name]
    for key, thresholds in expected['thresholds'].items():
        result = evaluate_detections(*_read(name), thresholds)
        assert result['classes'] == expected['classes']
        assert result['num_instances'] == expected['n_gt']
        _equal(result['AP'], _ARRAYS[f'{name}.{key}.ap'])
        _equal(list(result['mAP'].values()), expected['mAP'][key]['activitynet'])
        _equal(result['average_mAP'], expected['average_mAP'][key]['activitynet'])


@pytest.mark.filterwarnings('ignore:.*detections are')
@pytest.mark.parametrize('name', _SETS)
def test_golden_tad_variants_of_other_evaluators(name):
    for key, thresholds in _EXPECTED[name]['thresholds'].items():
        result = evaluate_detections(*_read(name, deduplicate=True), thresholds)
        _equal(result['AP'], _ARRAYS[f'{name}.{key}.ap_opentad'])
        _equal(result['recall'], _ARRAYS[f'{name}.{key}.recall_kx'])
        result = evaluate_detections(*_read(name), thresholds, unknown_videos='ignore')
        _equal(result['AP'], _ARRAYS[f'{name}.{key}.ap_afsd'])


_INLINE = {**_EXPECTED['edge'], **_EXPECTED['ties']}
_INLINE.pop('as_is', None)  # of an unstable sort


@pytest.mark.filterwarnings('ignore:.*detections are')
@pytest.mark.parametrize('case', _INLINE)
def test_golden_tad_edge_cases(case):
    recording = _INLINE[case]
    truth = read_annotated_segments(recording['gt'])
    detections = read_detected_segments(recording['pred'])
    result = evaluate_detections(truth, detections, recording['tiou'])
    assert result['classes'] == recording['labels']
    _equal(result['AP'], recording['ap']['activitynet'])
    _equal(result['recall'], recording['recall_1x_5x'])


@pytest.mark.parametrize('name', _SETS)
def test_golden_tad_average_recall(name):
    for key, expected in _EXPECTED[name]['proposals'].items():
        kind, average = key.rsplit('.', 1)
        # 0.5:0.05:0.95, or to 1.0 as papers on THUMOS14 have it
        steps = len(_ARRAYS[f'{name}.prop.{key}.recall'])
        thresholds = np.linspace(0.5, 1.0 if kind == 'thumos_ar' else 0.95, steps)
        result = evaluate_proposals(*_read(name), thresholds, int(average))
        for ours, theirs in (
            ('recall', 'recall'),
            ('AR', 'avg_recall'),
            ('AN', 'proposals_per_video'),
        ):
            _equal(result[ours], _ARRAYS[f'{name}.prop.{key}.{theirs}'])
        assert result['AUC'] == pytest.approx(expected['auc']['activitynet'], abs=1e-9)
        if int(average) == 100:
            for n in (1, 5, 10, 100):
                recall = expected['AR']['activitynet'][str(n)]
                assert result[f'AR@{n}'] == pytest.approx(recall, abs=1e-12)


_CASES = sorted({key.partition('.')[0] for key in _NMS if key.startswith('case')})


def _nms(case, **options):
    spans, scores = (torch.tensor(_NMS[f'{case}.{k}']) for k in ('segments', 'scores'))
    return moment_nms(spans, scores, **options)


def _close(spans, scores, rows):
    rows = torch.as_tensor(rows)
    close(spans, rows[:, :2])
    close(scores, rows[:, 2])


@pytest.mark.parametrize('case', _CASES)
def test_golden_tad_soft_nms(case):
    tested = 0
    for key in _NMS:
        if not key.startswith(f'{case}.af.') or not key.endswith('.dets'):
            continue
        kind, _, rest = key.removeprefix(f'{case}.af.').partition('_')
        number, _, floor = rest.removesuffix('.dets').partition('.min')
        options = dict(
            hard=dict(kind='hard', iou_threshold=float(number)),
            linear=dict(kind='linear', iou_threshold=float(number)),
            gauss=dict(kind='gaussian', sigma=float(number)),
        )[kind]
        spans, scores, keep = _nms(case, min_score=float(floor), **options)
        rows, expected = _NMS[key], _NMS[key.replace('.dets', '.keep')]
        alive = rows[:, 2] > 0  # suppressed rows stay at a floor of 0 there
        _close(spans, scores, rows[alive])
        assert keep.tolist() == expected[alive].tolist()
        tested += 1
    assert tested


@pytest.mark.parametrize('case', _CASES)
def test_golden_tad_hard_and_improved_nms(case):
    for key, expected in _NMS.items():
        if key.startswith(f'{case}.af.nms_'):
            threshold = float(key.partition('.af.nms_')[2].removesuffix('.keep'))
            keep = _nms(case, kind='hard', iou_threshold=threshold)[2]
            assert keep.tolist() == expected.tolist()
        if key.startswith(f'{case}.opentad.improved_') and key.endswith('.dets'):
            start = key.partition('.improved_')[2].removesuffix('.dets')
            options = dict(kind='gaussian', sigma=0.4, min_score=0.001)
            options['gaussian_from'] = tuple(map(float, start.split('_')))
            spans, scores, keep = _nms(case, **options)
            _close(spans, scores, expected)
            assert keep.tolist() == _NMS[key.replace('.dets', '.keep')].tolist()


@pytest.mark.parametrize('case', _CASES)
def test_golden_tad_nms_of_classes_with_voting(case):
    labels = torch.tensor(_NMS[f'{case}.labels'])
    options = dict(kind='gaussian', sigma=0.5, min_score=0.001, max_num=100)
    tested = 0
    for key in _NMS:
        if not key.startswith(f'{case}.af_batched.') or not key.endswith('.segments'):
            continue
        mode, vote = (
            key.removesuffix('.segments').split('.af_batched.')[1].split('.', 1)
        )
        vote = float(vote.removeprefix('vote'))
        use = dict(options, voting_threshold=vote or None)
        if mode == 'multiclass':  # their wrapper does not vote there
            use.update(labels=labels, voting_threshold=None)
        spans, scores, keep = _nms(case, **use)
        rows = np.column_stack([_NMS[key], _NMS[key.replace('segments', 'scores')]])
        _close(spans, scores, rows)
        if mode == 'multiclass':
            expected = _NMS[key.replace('segments', 'labels')]
            assert labels[keep].tolist() == expected.tolist()
        tested += 1
    assert tested


@pytest.mark.parametrize('case', _CASES)
def test_golden_tad_bsn_nms_of_mmaction2(case):
    if f'{case}.mmaction2_bsn.in' not in _NMS:
        pytest.skip('not recorded')
    rows = torch.tensor(_NMS[f'{case}.mmaction2_bsn.in'])
    expected = _NMS[f'{case}.mmaction2_bsn.out']
    spans, scores, _ = moment_nms(
        rows[:, :2],
        rows[:, 2],
        kind='gaussian',
        sigma=0.4,
        gaussian_from=(0.5, 0.4),  # low, high - low
        max_num=101,  # its loop lets one more through than top_k
    )
    _close(spans, scores, expected)
