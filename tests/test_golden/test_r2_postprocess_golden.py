"""Post-processing against numbers recorded from the authors' R2-Tuning code.

The recording's keys say what was done: ``normal0p7_unit2.3`` is hard NMS at 0.7 after
rounding to 2 s, sample 3.
"""

import re

import pytest
import torch
from golden_files import golden_folder
from safetensors.torch import load_file
from tolerances import SECONDS, close

from mmvtg.models.task_modules import MomentPostProcessor

_DIR = golden_folder('r2_tuning')
_KEY = re.compile(
    r'(?P<kind>clamp|normal|linear|gaussian|unit)(?P<par>[0-9p]*)'
    r'(?:_unit(?P<unit>[0-9p]+))?\Z'
)


def _load(part):
    return load_file(_DIR / f'postprocess.{part}.safetensors')


_INPUTS, _OUTPUTS = _load('inputs'), _load('outputs')
_SETTINGS = sorted({key.rsplit('.', 1)[0] for key in _OUTPUTS})


def _number(text):
    return float(text.replace('p', '.')) if text else None


def _processor(setting):
    match = _KEY.match(setting)
    assert match, f'the recording has a setting this test cannot read: {setting}'
    kind, par, unit = match['kind'], _number(match['par']), _number(match['unit'])
    if kind == 'unit':
        return MomentPostProcessor(unit=par), kind
    nms = dict(
        clamp=None,
        normal=dict(kind='hard', iou_threshold=par),
        linear=dict(kind='linear'),
        gaussian=dict(kind='gaussian', sigma=par),
    )[kind]
    return MomentPostProcessor(unit=unit, nms=nms), kind


@pytest.mark.parametrize('setting', _SETTINGS)
def test_golden_r2_postprocess(setting):
    post, kind = _processor(setting)
    count = sum(key.startswith('windows.') for key in _INPUTS)
    rows = [_INPUTS[f'windows.{i}'] for i in range(count)]
    durations = [_INPUTS[f'duration.{i}'].item() for i in range(count)]
    # All queries in one call: padding must not show in the result.
    result = post([(row[:, :2], row[:, 2]) for row in rows], durations)
    for i, (spans, scores) in enumerate(result):
        actual = torch.cat([spans, scores[:, None]], dim=1)
        expected = _OUTPUTS[f'{setting}.{i}']
        if kind in ('clamp', 'unit'):
            # Recorded before any sorting.
            expected = expected[expected[:, 2].argsort(descending=True, stable=True)]
        if kind == 'normal':
            # Suppressed rows have score 0 and no defined order: compare as a set.
            actual, expected = _zeros_sorted(actual), _zeros_sorted(expected)
        close(actual[:, :2], expected[:, :2], SECONDS)
        close(actual[:, 2], expected[:, 2])


def _zeros_sorted(rows):
    kept, zero = rows[rows[:, 2] > 0], rows[rows[:, 2] == 0]
    zero = torch.tensor(sorted(zero.tolist()), dtype=rows.dtype).reshape(-1, 3)
    return torch.cat([kept, zero])
