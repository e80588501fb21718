"""Videos and queries -> stored features of the towers."""

from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor, nn
from tqdm import tqdm

from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.transforms.tokenize import TokenizeQuery
from mmvtg.registry import MODELS
from mmvtg.video.source import FrameSource, VideoItem

from .batching import Batcher
from .decoding import Failed, decode
from .manifest import query_manifest, video_manifest
from .motion import MotionStore
from .store_run import ExtractionReport, StoreRun, progress_bar, timed
from .tower_output import prepare_tower, stack_layers

_Tower = Union[dict, nn.Module, None]
BATCH_FRAMES = 256  # of a batch, where nobody says otherwise
_BUFFER_FRAMES = 64  # frames that a decoding process hands over together


class FeatureExtractor:
    """Runs the towers over collections and stores what they say.

    Items appear whole or not at all, those already there are skipped, and each store
    carries a manifest, so a run may be stopped and started at any time. Scripts that
    use decoding processes need the usual ``if __name__ == '__main__'``.

    Args:
        vision_tower (dict | nn.Module, optional): A :class:`CLIPVisionTower`, or what
            has its ``encode_runs``, ``chunk_size``, ``couples_frames``, ``mean``,
            ``std``, ``source``, ``tapped_layers`` and ``weights_sha256``.
        text_tower (dict | nn.Module, optional): A :class:`CLIPTextTower`.
        frame_size (int): Height and width of frames, pixels.
        fps (float, optional): Clips per second, for videos that bring none.
        batch_frames (int): Frames gathered, across videos, before the tower runs.
        batch_queries (int): Queries that go through the tower at once.
        num_workers (int): Decoding processes; 0 decodes in this one.
        device (str): Where the towers run.
        sampling (str): Which frames make a clip, see :class:`FrameSource`.
        storage_dtype (str, optional): ``float16``, ``bfloat16`` or ``float32``.
            Default: what the tower's taps say, and float16 for pooled vectors.
        autocast (str, optional): ``bfloat16`` or ``float16``: compute in it where that
            is safe. Default: float32.
        clip_frames (int, optional): See :class:`FrameSource`.
        clip_rate (float, optional): Likewise.
        motion (dict, optional): Arguments of :class:`MotionStore`: stored vectors, one
            a clip, that the vision tower's hooks read as ``motion``.
    """

    def __init__(
        self,
        vision_tower: _Tower = None,
        text_tower: _Tower = None,
        frame_size: int = 224,
        fps: Optional[float] = None,
        batch_frames: int = BATCH_FRAMES,
        batch_queries: int = 128,
        num_workers: int = 2,
        device: str = 'cpu',
        sampling: str = 'start',
        storage_dtype: Optional[str] = None,
        autocast: Optional[str] = None,
        clip_frames: Optional[int] = None,
        clip_rate: Optional[float] = None,
        motion: Optional[dict] = None,
    ) -> None:
        self.vision_tower = prepare_tower(vision_tower, device, storage_dtype, MODELS)
        self.text_tower = prepare_tower(text_tower, device, storage_dtype, MODELS)
        self.source = FrameSource(frame_size, fps, sampling, clip_frames, clip_rate)
        self.batch_frames = batch_frames
        self.batch_queries = batch_queries
        self.num_workers = num_workers
        self.device = torch.device(device)
        self.dtype = storage_dtype
        self.autocast = autocast
        self.motion = None if motion is None else MotionStore(**motion)

    @torch.inference_mode()
    def extract_videos(
        self,
        videos: Iterable[Tuple],
        out_dir: str,
        progress: bool = True,
        nominal_fps: Union[float, str, None] = None,
        layout: str = 'npy',
        part: str = 'main',
    ) -> ExtractionReport:
        """Store the features of videos, (T, N, P, C) each.

        A tower that taps no layers gives (T, C), one vector a clip.

        Args:
            videos (Iterable[tuple]): (video_id, path) or (video_id, path, fps).
            out_dir (str): The store.
            progress (bool): Show a progress bar.
            nominal_fps (float | str, optional): What the manifest says; default: the
                rate of the videos, or ``'auto'`` if they differ.
            layout (str): ``'npy'``, one file a video, or ``'pack'``.
            part (str): Part of the pack that this process writes.

        Returns:
            ExtractionReport: Bad videos are in ``failed``; they end nothing.

        Raises:
            ValueError: The store holds features that were made otherwise, or an id
                names two videos.
            StoreBusyError: Another process writes this part of the pack.
            OSError: The store cannot be written. What was stored before is whole.
        """
        items = _unique([VideoItem(*video) for video in videos])
        rates = {self.source.fps if i.fps is None else i.fps for i in items}
        if None in rates:
            raise ValueError('no fps: give it to the extractor or to each video')
        fps = nominal_fps or (rates.pop() if len(rates) == 1 else 'auto')
        manifest = video_manifest(
            self.vision_tower, self._probe(items), self.source, fps, self.autocast
        )
        if self.motion is not None:
            manifest['motion'] = self.motion.describe()
        with StoreRun(out_dir, manifest, layout, part) as run:
            todo = run.missing(items)
            with progress_bar(len(todo), run.report, 'videos', progress) as bar:
                for item, rows in self._encode_all(todo, run.report, bar):
                    run.store(item.video_id, rows)
                    bar.update()
        return run.report

    def _probe(self, items: Sequence[VideoItem]) -> Tensor:
        """What is stored of one clip, for its shape and type."""
        clip = torch.zeros(1, *self.source.clip_shape, dtype=torch.uint8)
        motion = []
        if self.motion is not None:
            motion = [self.motion.width_of(item.video_id for item in items)]
            motion = [torch.zeros(1, width) for width in motion]
        return self._encode_clips(clip, torch.zeros(1, dtype=torch.int64), *motion)

    @torch.inference_mode()
    def extract_queries(
        self,
        queries: Iterable[Tuple[Any, str]],
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
            ExtractionReport: Empty queries are in ``failed``.

        Raises:
            ValueError, StoreBusyError, OSError: See :meth:`extract_videos`.
        """
        sample = self._encode_queries([torch.tensor([49406, 49407])])[0]
        manifest = query_manifest(self.text_tower, sample, self.autocast)
        with StoreRun(out_dir, manifest, layout, part) as run:
            todo = run.missing(list(queries))
            tokens = self._tokenize(todo, run.report)
            names = sorted(tokens, key=lambda name: len(tokens[name]))  # little padding
            with progress_bar(len(names), run.report, 'queries', progress) as bar:
                for start in range(0, len(names), self.batch_queries):
                    batch = names[start : start + self.batch_queries]
                    encoded = self._encode_queries([tokens[name] for name in batch])
                    for name, rows in zip(batch, encoded):
                        run.report.clips += len(rows)
                        run.store(name, rows)
                        bar.update()
        return run.report

    def _tokenize(
        self, queries: Sequence[Tuple[Any, str]], report: ExtractionReport
    ) -> Dict[Any, Tensor]:
        tokenizer = TokenizeQuery(self.text_tower.context_length)
        tokens = {}
        for query_id, text in queries:
            try:
                result = tokenizer(dict(query=text, query_id=query_id))
                tokens[query_id] = result['token_ids']
            except BadSampleError as error:
                report.failed[str(query_id)] = str(error)
        return tokens

    def _encode_all(
        self, items: Sequence[VideoItem], report: ExtractionReport, bar: tqdm
    ) -> Iterator[Tuple[VideoItem, Tensor]]:
        """Decode and encode; videos come as they are done."""
        per_clip, tower = self.source.frames_per_clip, self.vision_tower
        unit = max(1, min(tower.chunk_size, self.batch_frames // per_clip))
        size = max(1, self.batch_frames // per_clip)
        beside = self.motion and (lambda item, n: self.motion.read(item.video_id, n))
        batcher = Batcher(self._encode_clips, size, unit, tower.couples_frames, beside)
        clips = max(1, _BUFFER_FRAMES // per_clip)
        events = decode(items, self.source, self.num_workers, clips)
        for event in timed(events, report):
            if isinstance(event, Failed):
                report.failed[str(event.item.video_id)] = event.reason
                batcher.drop(event.item)
                bar.update()
                continue
            if str(event.item.video_id) in report.failed:
                continue
            report.clips += len(event.frames)
            try:
                batcher.expect(event)
            except BadSampleError as error:
                report.failed[str(event.item.video_id)] = str(error)
                bar.update()
                continue
            yield from batcher.add(event)
        yield from batcher.finish()

    def _encode_clips(
        self, clips: Tensor, runs: Tensor, motion: Optional[Tensor] = None
    ) -> Tensor:
        """Clips (n, ...) uint8, and motion (n, V) -> what is stored of each, on the
        CPU."""
        clips, runs = clips.to(self.device), runs.to(self.device)
        beside = [] if motion is None else [dict(motion=motion.to(self.device))]
        with self._precision():
            pooled, layers, _ = self.vision_tower.encode_runs(clips, runs, *beside)
        return stack_layers(layers, pooled, self.dtype).cpu()

    def _encode_queries(self, ids: List[Tensor]) -> List[Tensor]:
        """Token ids (L,) of several queries -> what is stored of each."""
        lengths = torch.tensor([len(one) for one in ids])
        query = nn.utils.rnn.pad_sequence(ids, batch_first=True).to(self.device)
        mask = torch.arange(query.shape[1]) < lengths[:, None]
        with self._precision():
            features = self.text_tower(query, mask.to(self.device))
        stacked = [
            stack_layers([layer[i] for layer in features.layers], words, self.dtype)
            for i, words in enumerate(features.words)
        ]
        return [one[:length].cpu() for one, length in zip(stacked, lengths.tolist())]

    def _precision(self) -> torch.autocast:
        dtype = getattr(torch, self.autocast or 'bfloat16')
        return torch.autocast(self.device.type, dtype, self.autocast is not None)


def _unique(items: Sequence[VideoItem]) -> List[VideoItem]:
    found: Dict[str, VideoItem] = {}
    for item in items:
        other = found.setdefault(str(item.video_id), item)
        if other != item:
            raise ValueError(
                f'the id {item.video_id} names two videos, {other.path} and '
                f'{item.path}; give each its own'
            )
    return list(found.values())
