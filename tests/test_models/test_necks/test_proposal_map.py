"""From clips to moments."""

import pytest
import torch

from mmvtg.models.necks import ProposalMap
from mmvtg.models.necks.clip_pooling import ClipPooling, average_clips
from mmvtg.models.necks.proposal_map import pool_query, range_max
from mmvtg.models.task_modules import ProposalGrid, proposal_mask
from mmvtg.structures import QueryFeatures, VideoFeatures


def mask_of(lengths):
    return torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]


@pytest.mark.parametrize(
    'size, counts, cells',
    [(16, [15], 136), (64, [15, 8, 8], 1104), (128, [15, 8, 8, 8], 2548)],
)
def test_cells_of_the_papers_maps(size, counts, cells):
    grid = ProposalGrid(size, counts)
    assert len(grid) == cells
    first, last = grid.cells.T
    assert (first <= last).all()
    # long moments start at multiples of their stride
    long = last - first > 15
    assert (first[long] % 2 == 0).all()
    assert grid.spans.min() == 0 and grid.spans.max() == 1


def test_counts_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match='num_clips = 8'):
        proposal_mask(8, [8])


def test_maximum_over_the_clips_of_each_moment():
    clips = torch.randn(2, 24, 3)
    cells = ProposalGrid(24, [7, 4, 2]).cells
    expected = [clips[:, i : j + 1].amax(1) for i, j in cells.tolist()]
    assert torch.equal(range_max(clips, cells), torch.stack(expected, dim=1))


@pytest.mark.parametrize('length', [1, 3, 8, 13, 50])
def test_average_bin_by_bin(length):
    clips = torch.randn(1, length, 2)
    edges = [min(round(i / 8 * length), length - 1) for i in range(9)]
    expected = [
        clips[0, a:b].mean(0) if b > a else clips[0, a]
        for a, b in zip(edges, edges[1:])
    ]
    ours = average_clips(clips, mask_of([length]), 8)
    torch.testing.assert_close(ours[0], torch.stack(expected))


def test_pooling_needs_a_whole_number_of_frames_a_clip():
    with pytest.raises(ValueError, match='multiple'):
        ClipPooling(4, None, num_frames=30, num_clips=16)


def make(**options):
    torch.manual_seed(0)
    settings = dict(in_channels=4, channels=6, num_clips=8, num_frames=16, counts=[7])
    settings.update(kernel_size=3, num_layers=2)
    return ProposalMap(**{**settings, **options})


@pytest.mark.parametrize('project', [True, False])
def test_videos_of_any_length_and_padding(project):
    neck = make(project=project).eval()
    clips = torch.randn(3, 40, 4)  # longer than the map, shorter, and one clip
    lengths = [40, 5, 1]
    query = QueryFeatures(mask=torch.ones(3, 2, dtype=torch.bool))
    query.pooled = torch.randn(3, 7)
    together = neck(VideoFeatures(mask=mask_of(lengths), clips=clips), query)
    assert together.proposals.shape == (3, 36, 6)
    for row, length in enumerate(lengths):
        video = VideoFeatures(
            mask=mask_of([length]), clips=clips[row : row + 1, :length]
        )
        torch.testing.assert_close(
            neck(video, query).proposals[0], together.proposals[row]
        )


def test_queries_share_videos():
    neck, query = make().eval(), QueryFeatures(mask=torch.ones(3, 2).bool())
    query.pooled = torch.randn(3, 7)
    owners = torch.tensor([0, 0, 1])
    video = VideoFeatures(
        mask=mask_of([9, 9]), clips=torch.randn(2, 9, 4), owners=owners
    )
    features = neck(video, query)
    assert len(features.proposals) == 2 and torch.equal(features.owners, owners)


def test_clips_of_another_width_are_named():
    video = VideoFeatures(mask=mask_of([3]), clips=torch.randn(1, 3, 5))
    with pytest.raises(ValueError, match='5 channels.*4'):
        make()(video, QueryFeatures(mask=mask_of([2]), pooled=torch.randn(1, 7)))


def test_mean_over_words_leaves_padding_out():
    words, mask = torch.randn(2, 5, 3), mask_of([5, 2])
    pooled = pool_query(QueryFeatures(mask=mask, words=words))
    torch.testing.assert_close(pooled[1], words[1, :2].mean(0))


def test_motion_lies_behind_the_clips():
    torch.manual_seed(0)
    neck = ProposalMap(4, 8, 8, 8, [7], 3, 2, motion_channels=3)
    clips, motion = torch.randn(2, 9, 4), torch.randn(2, 9, 3).half()
    query = QueryFeatures(mask=mask_of([1, 1]), pooled=torch.randn(2, 5))

    def proposals(**streams):
        return neck(VideoFeatures(mask=mask_of([9, 6]), **streams), query).proposals

    before = proposals(clips=clips, motion=motion)
    # a clip counts as much as a movement, however long their vectors are
    torch.testing.assert_close(before, proposals(clips=3 * clips, motion=motion))
    other = motion.clone()
    other[0, 2] = -other[0, 2]
    after = proposals(clips=clips, motion=other)
    assert not torch.allclose(before[0], after[0], atol=1e-3)


@pytest.mark.parametrize('motion, found', [(None, 'no'), (torch.randn(1, 9, 2), '2')])
def test_motion_of_another_width_is_named(motion, found):
    neck = ProposalMap(4, 8, 8, 8, [7], 3, 2, motion_channels=3)
    video = VideoFeatures(mask=mask_of([9]), clips=torch.randn(1, 9, 4), motion=motion)
    query = QueryFeatures(mask=mask_of([1]), pooled=torch.randn(1, 5))
    with pytest.raises(ValueError, match=f'motion have {found} .*motion_channels'):
        neck(video, query)
