"""The trainer of small CLIPs learns, and what it writes is open_clip's."""

import math

import open_clip
import pytest
import torch
import torch.nn.functional as F

from mmvtg.models.towers import CLIPPretrainer, CLIPVisionTower, export_clip
from mmvtg.models.towers.pretrainer import CaptionPreprocessor


def make(name='tiny-clip'):
    torch.manual_seed(0)
    tower = dict(model=name, frozen=False)
    return CLIPPretrainer(
        dict(type='CLIPVisionTower', **tower), dict(type='CLIPTextTower', **tower)
    )


def batch(captions):
    generator = torch.Generator().manual_seed(1)
    image = torch.randint(
        0, 256, (len(captions), 3, 64, 64), generator=generator, dtype=torch.uint8
    )
    return dict(inputs=dict(image=list(image)), caption=list(captions))


def test_preprocessor_tokenises_and_pads():
    data = batch(['a red circle', 'a big blue star spins', 'a red circle'])
    out = CaptionPreprocessor()(data)['inputs']
    assert out['image'].shape == (3, 3, 64, 64) and out['image'].dtype == torch.uint8
    expected = open_clip.get_tokenizer('ViT-B-32')(data['caption'])
    assert out['query'].shape == (3, 7)
    assert torch.equal(out['query'], expected[:, :7])
    assert out['query_mask'].sum(1).tolist() == [5, 7, 5]


def test_loss_is_the_symmetric_one_and_equal_captions_are_no_negatives():
    model = make()
    inputs = model.data_preprocessor(batch(['a cat', 'a dog', 'a cat']))['inputs']
    out = model(inputs, mode='loss')
    images, texts = model(inputs, mode='predict')
    assert torch.allclose(images.norm(dim=1), torch.ones(3))
    logits = images @ texts.T / 0.07
    logits[0, 2] = logits[2, 0] = -torch.inf
    target = torch.arange(3)
    expected = F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)
    assert torch.allclose(out['loss'], expected / 2, rtol=1e-5)
    assert out['temperature'].item() == pytest.approx(0.07)


def test_it_learns_a_few_pairs():
    model = make()
    data = batch(['a cat', 'a dog', 'a red circle rises', 'two stars'])
    colors = torch.tensor([[250, 0, 0], [0, 250, 0], [0, 0, 250], [250, 250, 0]])
    data['inputs']['image'] = [c.byte().view(3, 1, 1).expand(3, 64, 64) for c in colors]
    inputs = model.data_preprocessor(data)['inputs']
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    first = None
    for _ in range(15):
        out = model(inputs, mode='loss')
        first = first or out['loss'].item()
        optimizer.zero_grad()
        out['loss'].backward()
        optimizer.step()
    assert out['loss'].item() < 0.3 * first and out['image_to_text'] == 1


def test_export_loads_into_towers_and_open_clip(tmp_path):
    model = make('tiny-clip')
    model.logit_scale.data.fill_(math.log(50))
    path = str(tmp_path / 'out.safetensors')
    export_clip(model, path)
    tower = CLIPVisionTower('tiny-clip', path)
    frames = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    model.vision_tower.clip.half().float()
    expected = model.vision_tower.encode(frames)[0]
    assert torch.allclose(tower.encode(frames)[0], expected, atol=1e-5)
    clip = open_clip.create_model('tiny-clip', pretrained=path)
    assert clip.logit_scale.item() == pytest.approx(math.log(50), abs=2e-3)
    assert [entry.name for entry in tmp_path.iterdir()] == ['out.safetensors']
    model.logit_scale.data.fill_(float('nan'))
    with pytest.raises(ValueError, match='logit_scale'):
        export_clip(model, path)


def test_frozen_towers_are_refused():
    with pytest.raises(ValueError, match='frozen=False'):
        CLIPPretrainer(
            dict(type='CLIPVisionTower', model='tiny-clip'),
            dict(type='CLIPTextTower', model='tiny-clip', frozen=False),
        )
