"""Batches of whole videos."""

import pytest
from torch.utils.data import SequentialSampler

from mmvtg.datasets import VideoBatchSampler, VideoGroupSampler


class Videos(list):
    def get_data_info(self, index):
        return dict(video_id=self[index])


def test_all_queries_of_a_video_are_in_its_batch():
    videos = Videos('aabbbcdddd')
    sampler = VideoGroupSampler(videos, seed=0)
    batches = VideoBatchSampler(sampler, batch_size=2)
    assert len(batches) == 2 == len(list(batches))
    for batch in batches:
        names = {videos[i] for i in batch}
        assert len(names) == 2
        assert sorted(batch) == [i for i, v in enumerate(videos) if v in names]
    first = list(batches)
    sampler.set_epoch(3)
    assert any(a != b for a, b in zip(first, batches))


@pytest.mark.parametrize('drop_last, count', [(False, 2), (True, 1)])
def test_last_batch(drop_last, count):
    sampler = VideoGroupSampler(Videos('aabbbcdddd'), seed=0)
    batches = VideoBatchSampler(sampler, batch_size=3, drop_last=drop_last)
    assert len(batches) == count == len(list(batches))


def test_processes_take_as_many_videos():
    videos, seen = Videos('aabbbcddddee'), []
    for rank in range(2):
        sampler = VideoGroupSampler(videos, seed=0)
        sampler.rank, sampler.world_size = rank, 2
        batches = VideoBatchSampler(sampler, batch_size=1)
        assert len(batches) == 3
        seen += [i for batch in batches for i in batch]
    assert set(seen) == set(range(len(videos)))


def test_other_samplers_are_refused():
    with pytest.raises(TypeError, match='VideoGroupSampler'):
        VideoBatchSampler(SequentialSampler(range(3)), batch_size=2)
