"""Videos and queries -> stored features of the towers."""

from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor, nn
from tqdm import tqdm

from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.transforms.tokenize import TokenizeQuery
from mmvtg.registry import MODELS

from .decoding import VideoItem, decode_ahead
from .feature_files import feature_path, is_complete, save_features, stack_layers
from .manifest import claim_folder, describe_tower

_Tower = Union[dict, nn.Module, None]


@dataclass
class ExtractionReport:
    """What became of the wanted features.

    Args:
        written (int): Files made in this run.
        present (int): Files that were there.
        failed (dict): id -> reason.
    """

    written: int = 0
    present: int = 0
    failed: Dict[str, str] = field(default_factory=dict)


class FeatureExtractor:
    """Runs the towers over collections and stores what they say.

    Files appear whole or not at all, those already there are skipped, and each folder
    carries a manifest, so a run may be stopped and started at any time.

    Args:
        vision_tower (dict | nn.Module, optional): A :class:`CLIPVisionTower`.
        text_tower (dict | nn.Module, optional): A :class:`CLIPTextTower`.
        frame_size (int): Height and width of frames, pixels.
        fps (float, optional): Clips per second, for videos that bring none.
        batch_frames (int): Frames gathered, across videos, before the tower runs.
        batch_queries (int): Queries that go through the tower at once.
        num_workers (int): Decoding threads.
        device (str): Where the towers run.
    """

    def __init__(
        self,
        vision_tower: _Tower = None,
        text_tower: _Tower = None,
        frame_size: int = 224,
        fps: Optional[float] = None,
        batch_frames: int = 256,
        batch_queries: int = 128,
        num_workers: int = 2,
        device: str = 'cpu',
    ) -> None:
        self.vision_tower = _prepare(vision_tower, device)
        self.text_tower = _prepare(text_tower, device)
        self.frame_size = frame_size
        self.fps = fps
        self.batch_frames = batch_frames
        self.batch_queries = batch_queries
        self.num_workers = num_workers
        self.device = torch.device(device)

    @torch.inference_mode()
    def extract_videos(
        self,
        videos: Iterable[Tuple],
        out_dir: str,
        progress: bool = True,
        nominal_fps: Union[float, str, None] = None,
    ) -> ExtractionReport:
        """Store the features of videos as ``{video_id}.npy``, (T, N, P, C) float16.

        A tower that taps no layers gives (T, C), one vector a clip.

        Args:
            videos (Iterable[tuple]): (video_id, path) or (video_id, path, fps).
            out_dir (str): Feature folder.
            progress (bool): Show a progress bar.
            nominal_fps (float | str, optional): What the manifest says; default: the
                rate of the videos, or ``'auto'`` if they differ.

        Returns:
            ExtractionReport: Bad videos are in ``failed``; they end nothing.

        Raises:
            ValueError: The folder holds features that were made otherwise.
        """
        items = [VideoItem(*video) for video in videos]
        rates = {self.fps if item.fps is None else item.fps for item in items}
        if None in rates:
            raise ValueError('no fps: give it to the extractor or to each video')
        probe = torch.zeros(1, 3, self.frame_size, self.frame_size, dtype=torch.uint8)
        sample = self._encode_videos([probe])[0]
        fps = nominal_fps or (rates.pop() if len(rates) == 1 else 'auto')
        claim_folder(out_dir, self._video_manifest(sample, fps))
        todo, report = _missing(items, out_dir, sample)
        with _bar(len(todo), report, 'videos', progress) as bar:
            for names, clips in self._gather(todo, report, bar):
                for name, features in zip(names, self._encode_videos(clips)):
                    _store(out_dir, name, features, report)
                    bar.update()
        return report

    @torch.inference_mode()
    def extract_queries(
        self, queries: Iterable[Tuple[Any, str]], out_dir: str, progress: bool = True
    ) -> ExtractionReport:
        """Store the features of queries as ``{query_id}.npy``, (L, N, C) float16.

        Args:
            queries (Iterable[tuple]): (query_id, text).
            out_dir (str): Feature folder.
            progress (bool): Show a progress bar.

        Returns:
            ExtractionReport: Empty queries are in ``failed``.

        Raises:
            ValueError: The folder holds features that were made otherwise.
        """
        sample = self._encode_queries([torch.tensor([49406, 49407])])[0]
        claim_folder(out_dir, self._query_manifest(sample))
        todo, report = _missing(list(queries), out_dir, sample)
        tokenizer = TokenizeQuery(self.text_tower.context_length)
        tokens = {}
        for query_id, text in todo:
            try:
                result = tokenizer(dict(query=text, query_id=query_id))
                tokens[query_id] = result['token_ids']
            except BadSampleError as error:
                report.failed[str(query_id)] = str(error)
        names = sorted(tokens, key=lambda name: len(tokens[name]))  # little padding
        with _bar(len(names), report, 'queries', progress) as bar:
            for start in range(0, len(names), self.batch_queries):
                batch = names[start : start + self.batch_queries]
                encoded = self._encode_queries([tokens[name] for name in batch])
                for name, features in zip(batch, encoded):
                    _store(out_dir, name, features, report)
                    bar.update()
        return report

    def _gather(
        self, items: Sequence[VideoItem], report: ExtractionReport, bar: tqdm
    ) -> Iterator[Tuple[List[str], List[Tensor]]]:
        """Decoded videos, as many together as make a batch of frames."""
        names: List[str] = []
        clips: List[Tensor] = []
        decoded = decode_ahead(items, self.fps, self.frame_size, self.num_workers)
        for item, frames, error in decoded:
            if error is not None:
                report.failed[str(item.video_id)] = str(error)
                bar.update()
                continue
            names.append(item.video_id)
            clips.append(frames)
            if sum(map(len, clips)) >= self.batch_frames:
                yield names, clips
                names, clips = [], []
        if names:
            yield names, clips

    def _encode_videos(self, clips: List[Tensor]) -> List[Tensor]:
        """Frames (T, 3, H, W) of several videos -> what is stored of each."""
        lengths = [len(frames) for frames in clips]
        runs = torch.arange(len(clips)).repeat_interleave(torch.tensor(lengths))
        frames = torch.cat(clips).to(self.device)
        tower = self.vision_tower
        pooled, layers, _ = tower.encode_runs(frames, runs.to(self.device))
        return list(stack_layers(layers, pooled).cpu().split(lengths))

    def _encode_queries(self, ids: List[Tensor]) -> List[Tensor]:
        """Token ids (L,) of several queries -> what is stored of each."""
        lengths = torch.tensor([len(one) for one in ids])
        query = nn.utils.rnn.pad_sequence(ids, batch_first=True).to(self.device)
        mask = torch.arange(query.shape[1]) < lengths[:, None]
        features = self.text_tower(query, mask.to(self.device))
        stacked = [
            stack_layers([layer[i, :length] for layer in features.layers], words)
            for i, (length, words) in enumerate(zip(lengths.tolist(), features.words))
        ]
        return [one.cpu()[:length] for one, length in zip(stacked, lengths.tolist())]

    def _video_manifest(self, sample: Tensor, fps: Union[float, str]) -> dict:
        tower = self.vision_tower
        return dict(
            describe_tower(tower, sample, 'video'),
            fps=fps,
            frame_size=self.frame_size,
            resize='short side, bicubic, antialiased',
            crop='center',
            mean=[round(value, 6) for value in tower.mean.flatten().tolist()],
            std=[round(value, 6) for value in tower.std.flatten().tolist()],
        )

    def _query_manifest(self, sample: Tensor) -> dict:
        length = self.text_tower.context_length
        return dict(
            describe_tower(self.text_tower, sample, 'query'), context_length=length
        )


def _prepare(tower: _Tower, device: str) -> Optional[nn.Module]:
    if isinstance(tower, dict):
        tower = MODELS.build(tower)
    return tower if tower is None else tower.to(device).eval()


def _missing(
    items: Sequence[Tuple], out_dir: str, sample: Tensor
) -> Tuple[List[Tuple], ExtractionReport]:
    """Items without a complete file; the others are counted as present."""
    shape, dtype = sample.shape[1:], str(sample.numpy().dtype)
    todo = [
        item
        for item in items
        if not is_complete(feature_path(out_dir, item[0]), shape, dtype)
    ]
    return todo, ExtractionReport(present=len(items) - len(todo))


def _store(out_dir: str, name: Any, features: Tensor, report: ExtractionReport) -> None:
    try:
        save_features(out_dir, name, features)
        report.written += 1
    except BadSampleError as error:
        report.failed[str(name)] = str(error)


def _bar(total: int, report: ExtractionReport, what: str, shown: bool) -> tqdm:
    text = f'{what} ({report.present} present)'
    return tqdm(total=total, desc=text, disable=not shown, unit='')
