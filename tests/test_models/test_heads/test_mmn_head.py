"""MMN's head: whose negatives it sees, and what it refuses."""

import os

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.structures import InstanceData

from mmvtg.models.heads import MMNHead
from mmvtg.models.losses.across_processes import gather_rows
from mmvtg.models.task_modules import ProposalGrid
from mmvtg.structures import GroundingDataSample, ProposalFeatures

#: Videos of the queries of two processes; both have `b`, which has two queries here
#: and one there.
PARTS = (('a', 'b', 'b'), ('b', 'c'))


def make_head(scope):
    torch.manual_seed(0)
    losses = dict(match=dict(type='MutualMatchingLoss', margin=0.2))
    return MMNHead(6, 5, 4, losses=losses, negative_scope=scope).double()


def make_sample(video_id, place):
    sample = GroundingDataSample(metainfo=dict(video_id=video_id, duration=8.0))
    spans = [[float(place), place + 2.0]] * (1 + (place == 4))  # one has two moments
    sample.gt_moments = InstanceData(spans=torch.tensor(spans))
    return sample


def run(videos, places, scope):
    """Losses of one process, and their gradients."""
    grid, names = ProposalGrid(8, [7]), sorted(set(videos))
    rng = torch.Generator().manual_seed(1)
    table = torch.randn(3, len(grid.cells), 6, generator=rng).double()
    queries = torch.randn(5, 5, generator=rng).double()
    features = ProposalFeatures(
        proposals=torch.stack([table['abc'.index(name)] for name in names]),
        spans=grid.spans.double(),
        query=queries[places],
        mask=torch.ones(len(names), 8, dtype=torch.bool),
        owners=torch.tensor([names.index(video) for video in videos]),
    )
    head = make_head(scope)
    losses = head.loss(features, list(map(make_sample, videos, places)))
    (losses['loss_moment'] + 2 * losses['loss_query']).backward()
    grads = [p.grad for p in head.parameters() if p.grad is not None]
    return [losses['loss_moment'].detach(), losses['loss_query'].detach(), *grads]


def work(rank, port, folder):
    os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    dist.init_process_group('gloo', rank=rank, world_size=2)
    places = [range(3), range(3, 5)][rank]
    found = run(PARTS[rank], list(places), 'all')
    for value in found:  # what DDP does
        dist.all_reduce(value)
        value /= 2
    ragged = gather_rows(torch.arange(rank + 1))
    torch.save((found, ragged), f'{folder}/{rank}.pt')
    dist.destroy_process_group()


def test_negatives_of_all_processes_are_those_of_one_with_all_videos(
    tmp_path, free_port
):
    mp.spawn(work, (free_port, str(tmp_path)), nprocs=2)
    expected = run(PARTS[0] + PARTS[1], list(range(5)), 'process')
    for rank in range(2):
        found, ragged = torch.load(tmp_path / f'{rank}.pt')
        assert ragged.tolist() == [0, 0, 1]
        assert len(found) == len(expected) > 4
        for ours, theirs in zip(found, expected):
            torch.testing.assert_close(ours, theirs)
    # and they are others than those that a process has by itself
    alone = run(PARTS[0], [0, 1, 2], 'process')
    assert not torch.allclose(alone[1], expected[1])


def test_one_process_has_all():
    videos, places = PARTS[0], [0, 1, 2]
    for ours, theirs in zip(run(videos, places, 'all'), run(videos, places, 'process')):
        torch.testing.assert_close(ours, theirs)


@pytest.fixture
def free_port():
    import socket

    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        return server.getsockname()[1]


def test_bad_arguments():
    with pytest.raises(ValueError, match='negative_scope'):
        MMNHead(negative_scope='world')
    with pytest.raises(ValueError, match='want some of'):
        MMNHead(losses=dict(boundary={}))
