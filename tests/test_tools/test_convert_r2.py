"""The converter of R2-Tuning's released checkpoints."""

import runpy
import sys
from pathlib import Path

import pytest
import torch
from mmengine.runner import load_checkpoint
from safetensors.torch import load_file

from mmvtg.models.heads import R2Head
from mmvtg.models.necks import R2Block, TemporalPyramid

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'model_converters' / 'r2_tuning.py'
DATA = ROOT / 'tests' / 'data' / 'golden' / 'r2_tuning'
TINY = dict(video_dims=24, query_dims=16, channels=32, num_heads=4)
CONVERTER = runpy.run_path(str(TOOL))
convert = CONVERTER['convert']


@pytest.fixture
def official():
    return load_file(DATA / 'tiny_mr.state.safetensors')


class Grounder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.neck = R2Block(**TINY)
        self.pyramid = TemporalPyramid(32)
        self.head = R2Head(32)


@pytest.mark.parametrize('nested', [True, False])
def test_checkpoint_loads_strictly(official, tmp_path, nested, monkeypatch):
    state = {f'module.{key}': value for key, value in official.items()}
    state['module.clip.visual.proj'] = torch.zeros(2)
    source, target = tmp_path / 'official.pth', tmp_path / 'ours.pth'
    meta = dict(version='0.4.4', time='now')
    torch.save(dict(state_dict=state, meta=meta) if nested else state, source)
    monkeypatch.setattr(sys, 'argv', [str(TOOL), str(source), str(target)])
    runpy.run_path(str(TOOL), run_name='__main__')
    model = Grounder()
    checkpoint = load_checkpoint(model, str(target), strict=True)
    assert torch.equal(model.neck.gate, official['adapter.gate'].float())
    assert torch.equal(
        model.pyramid.levels[3][2].conv.weight,
        official['pyramid.blocks.3.11.weight'].float(),
    )
    assert checkpoint['meta']['r2_tuning'] == dict(
        channels=32,
        num_steps=4,
        ffn_ratio=4,
        strides=[1, 2, 4, 8],
        use_tef=True,
        video_dims=24,
        query_dims=16,
        with_boundary=True,
    )


@pytest.mark.parametrize(
    'name, steps, strides, tef, boundary',
    [
        ('tiny_hd', 4, [1], False, False),
        ('tiny_kvar', 2, [1, 2, 4], True, True),
    ],
)
def test_settings_are_read_from_shapes(name, steps, strides, tef, boundary):
    _, settings = convert(load_file(DATA / f'{name}.state.safetensors'))
    assert settings['num_steps'] == steps
    assert settings['strides'] == strides
    assert settings['use_tef'] is tef
    assert settings['with_boundary'] is boundary


def test_feed_forward_ratio_is_read_from_shapes(official):
    half = dict(official)
    for key, dim in [('0.weight', 0), ('0.bias', 0), ('2.weight', 1)]:
        key = f'adapter.tem.ffn.mapping.{key}'
        half[key] = official[key].narrow(dim, 0, 64).contiguous()
    state, settings = convert(half)
    assert settings['ffn_ratio'] == 2
    block = R2Block(**TINY, ffn_ratio=settings['ffn_ratio'])
    neck = {k[len('neck.') :]: v for k, v in state.items() if k.startswith('neck.')}
    block.load_state_dict(neck)
    odd = {**half, 'adapter.tem.ffn.mapping.0.weight': torch.zeros(50, 32)}
    with pytest.raises(ValueError, match=r'linear_in\.weight \(50, 32\) instead of'):
        convert(odd)


def test_strides_are_read_from_the_convolutions_of_each_level(official):
    # Without the levels of strides 2 and 8, that of stride 4 is the second.
    other = {'coef': torch.ones(2)}
    for key, value in official.items():
        if key.startswith('pyramid.blocks.2.'):
            other[key.replace('blocks.2.', 'blocks.1.')] = value
        elif not key.startswith(('pyramid.', 'coef')):
            other[key] = value
    assert convert(other)[1]['strides'] == [1, 4]
    gap = {k: v for k, v in official.items() if 'blocks.3.1.' not in k}
    with pytest.raises(ValueError, match='do not fit the convolutions'):
        convert(gap)
    short = {k: v for k, v in official.items() if 'blocks.3.11.' not in k}
    short = {k: v for k, v in short.items() if 'blocks.3.13.' not in k}
    with pytest.raises(ValueError, match=r'strides = \(1, 2, 4, 4\)'):
        convert(short)


def test_unknown_missing_and_misshapen_keys_are_named(official):
    with pytest.raises(ValueError, match=r"unknown key 'adapter\.extra\.weight'"):
        convert({**official, 'adapter.extra.weight': torch.zeros(1)})
    fewer = {k: v for k, v in official.items() if k != 'adapter.tem.ffn_norm.bias'}
    with pytest.raises(ValueError, match=r"missing \['neck\.layer\.ffn_norm\.bias'\]"):
        convert(fewer)
    fewer = {k: v for k, v in official.items() if k != 'coef'}
    with pytest.raises(ValueError, match='level_scale'):
        convert(fewer)
    wrong = {**official, 'adapter.v_map.weight': torch.zeros(32, 3)}
    with pytest.raises(ValueError, match=r'video_proj\.weight \(32, 3\) instead of'):
        convert(wrong)
    with pytest.raises(ValueError, match='4 steps want 3 gates'):
        convert({**official, 'adapter.gate': torch.zeros(2)})
    with pytest.raises(ValueError, match='3 level coefficients'):
        convert({**official, 'coef': torch.ones(3)})


def test_damaged_file_is_an_error_message(tmp_path, monkeypatch):
    source, target = tmp_path / 'broken.pth', tmp_path / 'out.pth'
    source.write_bytes(b'nothing')
    monkeypatch.setattr(sys, 'argv', [str(TOOL), str(source), str(target)])
    with pytest.raises(SystemExit, match=r'broken\.pth.*damaged'):
        runpy.run_path(str(TOOL), run_name='__main__')
    assert not target.exists()
