"""Feature extraction of one stream of videos, or of queries, into a store."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from mmvtg.datasets.errors import BadSampleError
from mmvtg.encoding.batching import Batcher
from mmvtg.encoding.frames import BATCH_FRAMES, FrameEncoder
from mmvtg.encoding.manifest import query_manifest, video_manifest
from mmvtg.encoding.queries import QueryEncoder
from mmvtg.encoding.tower_output import prepare_tower
from mmvtg.registry import MODELS
from mmvtg.video.clips import FrameSource, VideoItem
from mmvtg.video.decoding import DEADLINE, Clips, Failed, chunk_length
from mmvtg.video.processes import decode_all

from .motion import MotionStore
from .store_run import ExtractionReport, StoreRun, progress_bar, timed

_CHUNK_FRAMES = 64  # frames that a decoding process sends at once, if memory allows
_CHUNKS = 8  # chunks in memory per decoding process


class FeatureExtractor:
    """Runs towers over collections and stores their features.

    A run may be stopped and started at any time: items appear whole or not at all,
    stored items are skipped, and each store has a manifest. Scripts that use decoding
    processes need the usual ``if __name__ == '__main__'``.

    Args:
        vision_tower (dict | nn.Module, optional): A :class:`CLIPVisionTower`, or a
            tower with its ``encode_runs``, ``chunk_size``, ``couples_frames``,
            ``mean``, ``std``, ``source``, ``tapped_layers`` and ``weights_sha256``.
        text_tower (dict | nn.Module, optional): A :class:`CLIPTextTower`.
        frame_size (int): Height and width of frames, pixels.
        fps (float, optional): Clips per second, for videos without a rate.
        batch_frames (int): Frames gathered, across videos, before the tower runs.
        batch_queries (int): Queries per batch of the text tower.
        num_workers (int): Decoding processes; 0 decodes in this one.
        device (str): Device of the towers.
        sampling (str): Frames that make a clip, see :class:`FrameSource`.
        storage_dtype (str, optional): ``float16``, ``bfloat16`` or ``float32``.
            Default: the type of the tower's taps, and float16 for pooled vectors.
        autocast (str, optional): ``bfloat16`` or ``float16``: compute in it where that
            is safe. Default: float32.
        clip_frames (int, optional): See :class:`FrameSource`.
        clip_rate (float, optional): See :class:`FrameSource`.
        motion (dict, optional): Arguments of :class:`MotionStore`: stored vectors, one
            per clip, that the vision tower's hooks read as ``motion``.
        backend (str): Video decoder, see :func:`mmvtg.video.open_video`.
        deadline (float): Seconds without progress after which a video is given up.
    """

    def __init__(
        self,
        vision_tower: dict | nn.Module | None = None,
        text_tower: dict | nn.Module | None = None,
        frame_size: int = 224,
        fps: float | None = None,
        batch_frames: int = BATCH_FRAMES,
        batch_queries: int = 128,
        num_workers: int = 2,
        device: str = 'cpu',
        sampling: str = 'start',
        storage_dtype: str | None = None,
        autocast: str | None = None,
        clip_frames: int | None = None,
        clip_rate: float | None = None,
        motion: dict | None = None,
        backend: str = 'auto',
        deadline: float = DEADLINE,
    ) -> None:
        self.vision_tower = prepare_tower(vision_tower, device, storage_dtype, MODELS)
        self.text_tower = prepare_tower(text_tower, device, storage_dtype, MODELS)
        self.source = FrameSource(
            frame_size, fps, sampling, clip_frames, clip_rate, backend
        )
        self.batch_frames = batch_frames
        self.batch_queries = batch_queries
        self.num_workers = num_workers
        self.device = torch.device(device)
        self.dtype = storage_dtype
        self.autocast = autocast
        self.motion = None if motion is None else MotionStore(**motion)
        self.deadline = deadline

    def extract_videos(
        self,
        videos: Iterable[Sequence],
        out_dir: str,
        progress: bool = True,
        nominal_fps: float | str | None = None,
        layout: str = 'npy',
        part: str = 'main',
    ) -> ExtractionReport:
        """Store the features of videos, (T, N, P, C) each.

        A tower that taps no layers gives (T, C), one vector per clip.

        Args:
            videos (Iterable[Sequence]): Fields of :class:`VideoItem`: (video_id, path)
                or (video_id, path, fps), ...
            out_dir (str): The store.
            progress (bool): Show a progress bar.
            nominal_fps (float | str, optional): Rate in the manifest; default: the rate
                of the videos, or ``'auto'`` if they differ.
            layout (str): ``'npy'``, one file per video, or ``'pack'``.
            part (str): Part of the pack that this process writes.

        Returns:
            ExtractionReport: Report, with bad videos in ``failed``.

        Raises:
            ValueError: If the store holds features that were made differently, or an id
                names two videos.
            StoreBusyError: If another process writes this part of the pack.
            OSError: If the store cannot be written; items that were stored before stay.
        """
        items = _unique([VideoItem(*video) for video in videos])
        rates = {self.source.fps if i.fps is None else i.fps for i in items}
        if None in rates:
            raise ValueError('no fps: give it to the extractor or to each video')
        fps = nominal_fps or (rates.pop() if len(rates) == 1 else 'auto')
        encoder = FrameEncoder(
            self.vision_tower,
            self.source.frames_per_clip,
            self.dtype,
            self.autocast,
            self.batch_frames,
        )
        manifest = video_manifest(
            self.vision_tower,
            self._probe(encoder, items),
            self.source,
            fps,
            self.autocast,
        )
        if self.motion is not None:
            manifest['motion'] = self.motion.describe()
        with StoreRun(out_dir, manifest, layout, part) as run:
            todo = run.missing(items)
            with progress_bar(len(todo), run.report, 'videos', progress) as bar:
                for name, rows in self._encode_all(encoder, todo, run.report, bar):
                    run.store(name, rows)
                    bar.update()
        return run.report

    def _probe(self, encoder: FrameEncoder, items: Sequence[VideoItem]) -> Tensor:
        """Encode one black clip, for the shape and type of what is stored."""
        clip = torch.zeros(1, *self.source.clip_shape, dtype=torch.uint8)
        if self.motion is None:
            return encoder(clip)
        width = self.motion.width_of(item.video_id for item in items)
        return encoder(clip, torch.zeros(1, width))

    def _encode_all(
        self,
        encoder: FrameEncoder,
        items: Sequence[VideoItem],
        report: ExtractionReport,
        bar: tqdm,
    ) -> Iterator[tuple[str, Tensor]]:
        """Decode and encode; yield (name, features) of videos as they are done."""
        per_clip = self.source.frames_per_clip
        chunks = _CHUNKS * max(self.num_workers, 1)
        wanted = max(1, _CHUNK_FRAMES // per_clip)
        length = chunk_length(self.source.clip_shape, wanted, chunks)
        aux = self.motion and self.motion.read
        batcher = Batcher(encoder, max(1, self.batch_frames // per_clip), aux)
        collected: dict[str, list[Tensor]] = {}

        def fail(name: str, reason: str) -> None:
            report.failed[name] = reason
            batcher.drop(name)
            collected.pop(name, None)
            bar.update()

        events = decode_all(items, self.source, self.num_workers, length, self.deadline)
        for event in timed(events, report):
            name = str(event.item.video_id)
            if name in report.failed:
                continue
            if isinstance(event, Failed):
                fail(name, event.reason)
                continue
            assert isinstance(event, Clips)
            try:
                batcher.expect(name, event.total)
            except BadSampleError as error:
                fail(name, str(error))
                continue
            report.clips += len(event.frames)
            frames = torch.from_numpy(event.frames)
            yield from _complete(batcher.add(name, event.total, frames), collected)
        yield from _complete(batcher.finish(), collected)

    def extract_queries(
        self,
        queries: Iterable[tuple[Any, str]],
        out_dir: str,
        progress: bool = True,
        layout: str = 'npy',
        part: str = 'main',
    ) -> ExtractionReport:
        """Store the features of queries, (L, N, C), or (L, C) without taps.

        Args:
            queries (Iterable[tuple]): (query_id, text).
            out_dir (str): The store.
            progress (bool): Show a progress bar.
            layout (str): ``'npy'`` or ``'pack'``.
            part (str): Part of the pack that this process writes.

        Returns:
            ExtractionReport: Report, with empty queries in ``failed``.

        Raises:
            ValueError, StoreBusyError, OSError: See :meth:`extract_videos`.
        """
        encoder = QueryEncoder(self.text_tower, self.device, self.dtype, self.autocast)
        sample = encoder.encode([torch.tensor([49406, 49407])])[0]
        manifest = query_manifest(self.text_tower, sample, self.autocast)
        with StoreRun(out_dir, manifest, layout, part) as run:
            todo = run.missing(list(queries))
            tokens = _tokenize(encoder, todo, run.report)
            names = sorted(tokens, key=lambda name: len(tokens[name]))  # little padding
            with progress_bar(len(names), run.report, 'queries', progress) as bar:
                for start in range(0, len(names), self.batch_queries):
                    batch = names[start : start + self.batch_queries]
                    encoded = encoder.encode([tokens[name] for name in batch])
                    for name, rows in zip(batch, encoded):
                        run.report.clips += len(rows)
                        run.store(name, rows)
                        bar.update()
        return run.report


def _complete(
    events: Iterator, collected: dict[str, list[Tensor]]
) -> Iterator[tuple[str, Tensor]]:
    """Collect features; yield (name, features) of videos as they are done."""
    for encoded in events:
        collected.setdefault(encoded.name, []).append(encoded.rows)
        if encoded.done:
            yield encoded.name, torch.cat(collected.pop(encoded.name))


def _tokenize(
    encoder: QueryEncoder, queries: Sequence[tuple[Any, str]], report: ExtractionReport
) -> dict[Any, Tensor]:
    tokens = {}
    for query_id, text in queries:
        try:
            tokens[query_id] = encoder.tokenize(text, query_id)
        except BadSampleError as error:
            report.failed[str(query_id)] = str(error)
    return tokens


def _unique(items: Sequence[VideoItem]) -> list[VideoItem]:
    found: dict[str, VideoItem] = {}
    for item in items:
        other = found.setdefault(str(item.video_id), item)
        if other != item:
            raise ValueError(
                f'the id {item.video_id} names two videos, {other.path} and '
                f'{item.path}; give each its own'
            )
    return list(found.values())
