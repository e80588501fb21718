"""The order in which samples are trained on."""

from typing import Dict, Iterator, List, Optional, Sized, Tuple

import torch
from mmengine.dataset import DefaultSampler
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from mmvtg.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class VideoGroupSampler(Sampler):
    """Shuffles videos, and leaves the queries of a video next to each other.

    A batch then holds several queries of a video, which share its row (see
    :class:`GroundingDataPreprocessor`): what is read of the video is read once.

    Each process takes one stretch of the order, so that groups stay whole; the end is
    filled up from the start, as mmengine's ``DefaultSampler`` does.

    Args:
        dataset (BaseDataset): Its samples name their ``video_id``.
        seed (int, optional): Of the order; default: one that all processes agree on.
        shuffle (bool): Whether videos, and queries within each, are shuffled.
    """

    def __init__(
        self, dataset: Sized, seed: Optional[int] = None, shuffle: bool = True
    ) -> None:
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.shuffle = shuffle
        self.epoch = 0
        groups: Dict[str, List[int]] = {}
        for index in range(len(dataset)):
            video_id = dataset.get_data_info(index)['video_id']
            groups.setdefault(video_id, []).append(index)
        self.groups = list(groups.values())
        self.num_samples = -(-len(dataset) // self.world_size)

    def __iter__(self) -> Iterator[int]:
        order = [index for group in self.shuffled_groups() for index in group]
        total = self.num_samples * self.world_size
        order = (order * (total // len(order) + 1))[:total]
        start = self.rank * self.num_samples
        return iter(order[start : start + self.num_samples])

    def shuffled_groups(self) -> List[List[int]]:
        """Samples of each video in the order of this epoch, all processes'."""
        if not self.shuffle:
            return self.groups
        generator = torch.Generator().manual_seed(self.seed + self.epoch)

        def shuffled(items: list) -> list:
            places = torch.randperm(len(items), generator=generator)
            return [items[place] for place in places]

        return [shuffled(group) for group in shuffled(self.groups)]

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Another order for each epoch, the same in all processes."""
        self.epoch = epoch


@DATA_SAMPLERS.register_module()
class VideoBatchSampler(Sampler):
    """Batches of so many videos, each with all its queries (MMN).

    Each process takes as many videos; the end is filled up from the start.

    Args:
        sampler (VideoGroupSampler): Knows the videos and their order.
        batch_size (int): Videos.
        drop_last (bool): Leave the last batch out if it has fewer videos.

    Raises:
        TypeError: If the sampler is another.
    """

    def __init__(
        self, sampler: VideoGroupSampler, batch_size: int, drop_last: bool = False
    ) -> None:
        if not isinstance(sampler, VideoGroupSampler):
            raise TypeError(
                'VideoBatchSampler wants a VideoGroupSampler, not a '
                f'{type(sampler).__name__}: set sampler.type of the data loader'
            )
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.num_videos = -(-len(sampler.groups) // sampler.world_size)

    def __iter__(self) -> Iterator[List[int]]:
        groups = self.sampler.shuffled_groups()
        start = self.sampler.rank * self.num_videos
        own = [groups[i % len(groups)] for i in range(start, start + self.num_videos)]
        for batch in range(len(self)):
            videos = own[batch * self.batch_size : (batch + 1) * self.batch_size]
            yield [index for video in videos for index in video]

    def __len__(self) -> int:
        if self.drop_last:
            return self.num_videos // self.batch_size
        return -(-self.num_videos // self.batch_size)


@DATA_SAMPLERS.register_module()
class DrawSampler(DefaultSampler):
    """mmengine's, and each index comes with the epoch: (index, epoch).

    Data sets that draw at random (:class:`DrawnDataset`) then draw anew in each epoch,
    and the same in every run, whatever the number of workers. mmengine's wrappers of
    data sets do not understand such pairs.
    """

    def __iter__(self) -> Iterator[Tuple[int, int]]:
        for index in super().__iter__():
            yield index, self.epoch


@DATA_SAMPLERS.register_module()
class DisjointSampler(Sampler):
    """Another part of the data in each epoch, until all have been seen (ActPrompt 4.1).

    The data set is permuted once; epoch ``e`` takes the ``e``-th of ``1 / ratio`` parts
    of that order, and after the last part the first comes again. Indices come with the
    epoch, (index, epoch), for data sets that draw (:class:`MomentPairDataset`). Each
    process takes every so-many-th of the part, filled up from its start.

    Args:
        dataset (Sized): The data set.
        ratio (float): Share of the data in an epoch; the number of parts is the whole
            number that is nearest to ``1 / ratio``.
        seed (int, optional): Of the order; default: one that all processes agree on.

    Raises:
        ValueError: ``ratio`` is not in (0, 1], or there are fewer samples than parts.
    """

    def __init__(
        self, dataset: Sized, ratio: float = 0.1, seed: Optional[int] = None
    ) -> None:
        if not 0 < ratio <= 1:
            raise ValueError(f'ratio is {ratio}, want more than 0 and at most 1')
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.parts = round(1 / ratio)
        if len(dataset) < self.parts:
            raise ValueError(
                f'{len(dataset)} samples cannot be cut into {self.parts} parts: raise '
                'ratio'
            )
        generator = torch.Generator().manual_seed(self.seed)
        self.order: List[int] = torch.randperm(
            len(dataset), generator=generator
        ).tolist()
        self.epoch = 0

    def part(self) -> List[int]:
        """Samples of this epoch, all processes'."""
        total, place = len(self.order), self.epoch % self.parts
        start, stop = (total * i // self.parts for i in (place, place + 1))
        return self.order[start:stop]

    def __iter__(self) -> Iterator[Tuple[int, int]]:
        part = self.part()
        for i in range(self.rank, len(self) * self.world_size, self.world_size):
            yield part[i % len(part)], self.epoch

    def __len__(self) -> int:
        return -(-len(self.part()) // self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """The part of another epoch; a resumed run goes on with its own."""
        self.epoch = epoch
