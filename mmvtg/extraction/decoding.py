"""Decodes videos in the background while the tower works."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Deque, Iterable, Iterator, NamedTuple, Optional, Tuple

from torch import Tensor

from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.transforms.video import load_frames


class VideoItem(NamedTuple):
    """A video to encode.

    Args:
        video_id (str): Names the feature file.
        path (str): Video file.
        fps (float, optional): Clips per second, if not the extractor's.
    """

    video_id: str
    path: str
    fps: Optional[float] = None


def decode_ahead(
    items: Iterable[VideoItem], fps: Optional[float], size: int, num_workers: int
) -> Iterator[Tuple[VideoItem, Optional[Tensor], Optional[BadSampleError]]]:
    """Decode videos in threads (the decoder runs outside of Python's lock), in order.

    At most ``2 * num_workers`` decoded videos wait at any time.

    Args:
        items (Iterable[VideoItem]): What to decode.
        fps (float, optional): Clips per second for items that name none.
        size (int): Height and width of frames, pixels.
        num_workers (int): Threads.

    Yields:
        tuple: the item and its frames (T, 3, size, size) uint8, or why there are none.
    """
    waiting: Deque[Tuple[VideoItem, Future]] = deque()
    pool = ThreadPoolExecutor(num_workers, thread_name_prefix='decode')
    try:
        for item in items:
            rate = fps if item.fps is None else item.fps
            job = pool.submit(load_frames, item.path, rate, size, 1, item.video_id)
            waiting.append((item, job))
            if len(waiting) >= 2 * num_workers:
                yield _result(*waiting.popleft())
        while waiting:
            yield _result(*waiting.popleft())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _result(
    item: VideoItem, job: Future
) -> Tuple[VideoItem, Optional[Tensor], Optional[BadSampleError]]:
    try:
        return item, job.result()[0], None
    except BadSampleError as error:
        return item, None, error
