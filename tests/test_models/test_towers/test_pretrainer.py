"""The trainer of small CLIPs learns, and what it writes is open_clip's."""

import math

import open_clip
import pytest
import torch
import torch.nn.functional as F

from mmvtg.models.layers import sine_grid
from mmvtg.models.towers import CLIPPretrainer, CLIPVisionTower, export_clip
from mmvtg.models.towers.pretrainer import CaptionPreprocessor, late_interaction


def make(name='tiny-clip', **options):
    torch.manual_seed(0)
    tower = dict(model=name, frozen=False)
    return CLIPPretrainer(
        dict(type='CLIPVisionTower', **tower),
        dict(type='CLIPTextTower', **tower),
        **options,
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


def test_late_interaction_by_hand():
    torch.manual_seed(0)
    patches = F.normalize(torch.randn(3, 5, 4), dim=-1)
    words = F.normalize(torch.randn(3, 6, 4), dim=-1)
    mask = torch.arange(6) < torch.tensor([[6], [3], [4]])
    sharpness = torch.tensor(7.0)
    score = late_interaction(patches, words, mask, sharpness)
    for image in range(3):
        for caption in range(3):
            parts = [
                (7 * patches[image] @ words[caption, place]).exp().mean().log() / 7
                for place in range(1, int(mask[caption].sum()))
            ]
            expected = sum(parts) / len(parts)
            torch.testing.assert_close(score[image, caption], expected)
    # padding and the start token tell nothing
    words[~mask] = words[:, 0] = 1.0
    assert torch.equal(late_interaction(patches, words, mask, sharpness), score)


def test_patch_loss_reaches_the_patches_of_the_last_layer():
    captions = ['a red circle', 'a big blue star spins', 'a pink cross']
    grads = []
    for weight in (0.0, 1.0):
        model = make(patch_loss_weight=weight)
        inputs = model.data_preprocessor(batch(captions))['inputs']
        losses = model(inputs, mode='loss')
        assert ('loss_patch' in losses) == bool(weight)
        sum(value for key, value in losses.items() if 'loss' in key).backward()
        # without it, no patch is a query of the last attention
        grads.append(model.vision_tower.clip.transformer.resblocks[-1].mlp.c_fc.weight)
    assert not torch.equal(grads[0].grad, grads[1].grad)


def test_position_code_is_added_to_patches_once():
    plain, coded = make(), make(position_code=0.5)
    step = [m.vision_tower.clip.positional_embedding.detach() for m in (plain, coded)]
    step = step[1] - step[0]
    assert not step[0].any()
    torch.testing.assert_close(step[1:], 0.5 * sine_grid(8, 128), atol=1e-6, rtol=0)
