"""The order in which samples are trained on."""

import pytest

from mmvtg.datasets import VideoGroupSampler

VIDEOS = [0, 1, 1, 2, 2, 2, 3, 0, 4, 1]


class FakeDataset:
    def __len__(self):
        return len(VIDEOS)

    def get_data_info(self, index):
        return dict(video_id=f'video {VIDEOS[index]}')


def runs(order):
    videos = [VIDEOS[index] for index in order]
    return [v for i, v in enumerate(videos) if i == 0 or v != videos[i - 1]]


def test_queries_of_a_video_stay_together():
    sampler = VideoGroupSampler(FakeDataset(), seed=0)
    orders = []
    for epoch in range(4):
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
        assert sorted(orders[-1]) == list(range(len(VIDEOS)))
        assert sorted(runs(orders[-1])) == [0, 1, 2, 3, 4]
    assert len({tuple(order) for order in orders}) == 4
    sampler.set_epoch(0)
    assert list(sampler) == orders[0]


def test_without_shuffling_the_order_is_that_of_the_videos():
    sampler = VideoGroupSampler(FakeDataset(), seed=0, shuffle=False)
    assert list(sampler) == [0, 7, 1, 2, 9, 3, 4, 5, 6, 8]


@pytest.mark.parametrize('world_size', [2, 3])
def test_processes_take_disjoint_stretches(world_size, monkeypatch):
    shares = []
    for rank in range(world_size):
        monkeypatch.setattr(
            'mmvtg.datasets.samplers.get_dist_info',
            lambda rank=rank: (rank, world_size),
        )
        sampler = VideoGroupSampler(FakeDataset(), seed=3)
        shares.append(list(sampler))
        assert len(shares[-1]) == len(sampler) == -(-len(VIDEOS) // world_size)
    joined = sum(shares, [])
    assert set(joined) == set(range(len(VIDEOS)))
    assert len(joined) - len(VIDEOS) < world_size
