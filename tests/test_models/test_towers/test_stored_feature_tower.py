"""Stored features arrive as the tower that made them would hand them out."""

import pytest
import torch

from mmvtg.models.towers import StoredFeatureTower


def test_layers_are_views_in_the_type_of_the_store():
    video = torch.randn(2, 5, 4, 7, 6).half()
    mask = torch.ones(2, 5, dtype=torch.bool)
    out = StoredFeatureTower('video')(video, mask)
    assert out.mask is mask and out.clips is None and len(out.layers) == 4
    for index, layer in enumerate(out.layers):
        assert torch.equal(layer, video[:, :, index])
        assert layer.untyped_storage().data_ptr() == video.untyped_storage().data_ptr()


def test_the_last_layers_can_be_chosen():
    query = torch.randn(2, 5, 4, 6).half()
    mask = torch.ones(2, 5, dtype=torch.bool)
    out = StoredFeatureTower('text', num_layers=2)(query, mask)
    assert [torch.equal(x, query[:, :, i]) for x, i in zip(out.layers, (2, 3))]
    with pytest.raises(ValueError, match='num_layers is 5.*holds 4'):
        StoredFeatureTower('text', num_layers=5)(query, mask)


def test_one_vector_a_position():
    flat, mask = torch.randn(2, 5, 6), torch.ones(2, 5, dtype=torch.bool)
    assert StoredFeatureTower('video')(flat, mask).clips is flat
    assert StoredFeatureTower('text')(flat, mask).words is flat


def test_wrong_layout_is_named():
    mask = torch.ones(2, 5, dtype=torch.bool)
    with pytest.raises(ValueError, match=r'\(2, 5, 4, 6\).*\(B, T, N, P, C\)'):
        StoredFeatureTower('video')(torch.zeros(2, 5, 4, 6), mask)
    with pytest.raises(ValueError, match="'audio'"):
        StoredFeatureTower('audio')
