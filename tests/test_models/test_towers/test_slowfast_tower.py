"""SlowFast's numbers are mmaction2's, with Moment-DETR's choice of slow frames."""

import pytest
import torch

from mmvtg.registry import MODELS

pytest.importorskip('mmaction')


@pytest.fixture(scope='module')
def tower():
    torch.manual_seed(0)
    return MODELS.build(dict(type='SlowFastTower', chunk_size=1))


@pytest.fixture(scope='module')
def clips():
    torch.manual_seed(0)
    return torch.randint(0, 256, (2, 32, 3, 32, 32), dtype=torch.uint8)


def test_strided_is_the_backbone_and_spread_is_its_parts(tower, clips, monkeypatch):
    tower.slow_frames = 'strided'
    runs = torch.zeros(2, dtype=torch.int64)
    strided, layers, _ = tower.encode_runs(clips, runs)
    assert strided.shape == (2, 2304) and layers == []
    frames = (clips.float() / 255 - tower.mean) / tower.std
    with torch.no_grad():
        slow, fast = tower.backbone(frames.transpose(1, 2))
    assert torch.allclose(strided[:, :2048], slow.mean((2, 3, 4)), atol=1e-5)
    assert torch.allclose(strided[:, 2048:], fast.mean((2, 3, 4)), atol=1e-5)
    # with the same slow frames the walk over the parts gives what the backbone gives
    tower.slow_frames = 'spread'
    monkeypatch.setattr(
        torch, 'linspace', lambda *args, **kwargs: torch.arange(0.0, 32.0, 4.0)
    )
    assert torch.allclose(tower.encode(clips), strided, atol=1e-5)
    monkeypatch.undo()
    assert not torch.allclose(tower.encode(clips), strided, atol=1e-2)


def test_checkpoints(tower, tmp_path):
    state = {f'backbone.{k}': v for k, v in tower.backbone.state_dict().items()}
    path = str(tmp_path / 'slowfast.pth')
    torch.save(dict(state_dict={**state, 'cls_head.fc_cls.bias': torch.ones(1)}), path)
    again = MODELS.build(dict(type='SlowFastTower', pretrained=path))
    assert again.weights_sha256() == tower.weights_sha256()
    assert not any(p.requires_grad for p in again.train().parameters())
    assert not again.training
    torch.save(dict(state_dict=dict(list(state.items())[:10])), path)
    with pytest.raises(ValueError, match='no checkpoint of this SlowFast: 6'):
        MODELS.build(dict(type='SlowFastTower', pretrained=path))
