import json

import open_clip
import pytest
import torch

import mmvtg  # noqa: F401


@pytest.fixture(scope='session', autouse=True)
def small_clips(tmp_path_factory):
    """Registers `small-gelu` and `small-quick`: real open_clip models, quick to run."""
    folder = tmp_path_factory.mktemp('clip_configs')
    for name, quick in (('small-gelu', False), ('small-quick', True)):
        config = dict(
            embed_dim=16,
            quick_gelu=quick,
            vision_cfg=dict(
                image_size=32, patch_size=8, layers=3, width=32, head_width=8
            ),
            text_cfg=dict(
                context_length=20, vocab_size=64, width=24, heads=3, layers=3
            ),
        )
        (folder / f'{name}.json').write_text(json.dumps(config))
    open_clip.add_model_config(folder)


@pytest.fixture
def clip_file(tmp_path):
    """Writes an open_clip model with random weights; returns (model, path)."""

    def make(name, suffix='.pt'):
        torch.manual_seed(0)
        model = open_clip.create_model(name).eval()
        for parameter in model.parameters():  # biases and norms are not trivial
            parameter.data += 0.02 * torch.randn_like(parameter)
        path = str(tmp_path / f'{name}{suffix}')
        if suffix == '.safetensors':
            from safetensors.torch import save_file

            save_file(model.state_dict(), path)
        else:
            torch.save(model.state_dict(), path)
        return model, path

    return make
