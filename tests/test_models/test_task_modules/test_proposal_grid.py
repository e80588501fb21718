"""The cells of a map that are used as moments."""

import pytest
import torch

from mmvtg.models.task_modules import ProposalGrid, proposal_mask


def test_long_moments_are_sampled_sparsely():
    mask = proposal_mask(8, [2, 2])
    # Lengths of 1 to 3 clips anywhere, then 5 and 7 clips from every second clip.
    expected = [[i, i + n - 1] for n in (1, 2, 3) for i in range(9 - n)]
    expected += [[i, i + n - 1] for n in (5, 7) for i in range(0, 9 - n, 2)]
    assert mask.dtype == torch.bool
    assert mask.nonzero().tolist() == sorted(expected)
    grid = ProposalGrid(8, [2, 2])
    assert len(grid) == len(expected) and grid.num_clips == 8
    assert torch.equal(grid.mask, mask)
    assert grid.spans[0].tolist() == [0, 1 / 8]
    assert grid.spans[-1].tolist() == [7 / 8, 1]


def test_a_moment_longer_than_the_map_is_refused():
    assert proposal_mask(7, [2, 2]).any()
    message = r'counts = \(2, 2\) make moments of 7 clips, the map has num_clips = 6'
    with pytest.raises(ValueError, match=message):
        proposal_mask(6, [2, 2])
