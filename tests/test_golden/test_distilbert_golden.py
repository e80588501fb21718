"""DistilBERT against what Hugging Face's gives for the same weights and tokens."""

import json

import pytest
import torch
from golden_files import golden_folder
from safetensors.torch import load_file
from tolerances import GRADIENT, Tolerance, close

from mmvtg.models.towers import DistilBertTower

CASES = sorted(golden_folder('distilbert').glob('*.json'))


@pytest.mark.parametrize('path', CASES, ids=lambda path: path.stem)
def test_tokens_and_gradients(path):
    data = load_file(path.with_suffix('.safetensors'))
    tower = DistilBertTower(**json.loads(path.read_text())['settings']).eval()
    tower.bert.load_state_dict(
        {k.removeprefix('sd.'): v for k, v in data.items() if k.startswith('sd.')}
    )
    tower.double()
    mask = data['mask']
    found = tower(data['ids'], mask)
    assert torch.equal(found.mask, mask) and found.pooled is None
    close(found.words[mask], data['out'][mask])
    (found.words * data['weight']).sum().backward()
    # those of keys' biases are 0 but for rounding
    largest = max(x.abs().max() for k, x in data.items() if k.startswith('grad.'))
    floor = 1e-6 * largest.item()
    for name, parameter in tower.bert.named_parameters():
        expected = data[f'grad.{name}']
        close(parameter.grad, expected, Tolerance(GRADIENT.relative, floor))
