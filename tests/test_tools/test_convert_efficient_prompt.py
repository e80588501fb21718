import runpy
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
TOOL = runpy.run_path(str(ROOT / 'tools' / 'model_converters' / 'efficient_prompt.py'))


def test_names_and_settings():
    official = {
        'module.embedding.weight': torch.randn(77, 8),
        'temporalEmbedding.weight': torch.randn(16, 8),
        'temporalModelling.resblocks.0.attn.in_proj_weight': torch.randn(24, 8),
        'temporalModelling.resblocks.0.ln_1.bias': torch.randn(8),
        'temporalModelling.resblocks.1.mlp.c_fc.weight': torch.randn(32, 8).half(),
        'clipmodel.visual.proj': torch.randn(2, 2),
    }
    state = TOOL['convert_state_dict'](official)
    joined = official['temporalModelling.resblocks.0.attn.in_proj_weight']
    parts = [f'temporal.layers.0.self_attn.{x}_proj.weight' for x in 'qkv']
    assert torch.equal(torch.cat([state[part] for part in parts]), joined)
    assert state['temporal.layers.1.ffn.linear_in.weight'].dtype == torch.float32
    assert not any('visual' in key for key in state)
    settings = TOOL['infer_settings'](state)
    assert settings == dict(width=8, num_places=77, num_layers=2, frames=16)


@pytest.mark.parametrize('key', ['neck.weight', 'temporalModelling.resblocks.0.x.bias'])
def test_other_checkpoints_are_refused(key):
    official = {'embedding.weight': torch.randn(77, 8), key: torch.randn(1)}
    with pytest.raises(ValueError, match=f'unknown key.*{key}'):
        TOOL['convert_state_dict'](official)
    with pytest.raises(ValueError, match='no embedding.weight'):
        TOOL['convert_state_dict']({})
