"""Moments and saliency for sentences, in video files of any length."""

import os.path as osp
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor
from tqdm import tqdm

from mmvtg.encoding import QueryEncoder, VideoPart
from mmvtg.registry import INFERENCERS
from mmvtg.structures import GroundingDataSample
from mmvtg.visualization import (
    GroundingVisualizer,
    timeline_of,
    write_timeline_video,
)

from .inputs import Queries, VideoQueries, Videos, pair_inputs
from .merging import merge_samples
from .model_inferencer import Model
from .predictions import keep_valid_moments, output_stem
from .video_inferencer import VideoInferencer, VideoRequest

#: Seconds of a window, if neither the call nor the config gives a value.
DEFAULT_WINDOW = 150.0


@INFERENCERS.register_module()
class VTGInferencer(VideoInferencer):
    """Finds the moments of sentences in video files of any length.

    The config's block ``encoding`` names the towers, the clip rate, and how features
    are joined. A model with a text tower of its own reads the query with that tower.
    The config's test pipeline prepares the features as it does for stored ones, so
    predictions equal those of ``tools/test.py``.

    A video that is longer than ``window`` is split into overlapping windows, and their
    predictions are merged (:func:`merge_moments`, :func:`average_saliency`); memory
    does not grow with its length. Features of videos stay in memory for further
    queries, up to ``cache_bytes``.

    Args:
        model (str | Config, optional): Config file, name of a model, or config; see
            :class:`ModelInferencer`.
        weights (str, optional): Checkpoint; default is the one in the model zoo.
        device (str, optional): Default is an accelerator if there is one.
        fps (float, optional): Clips per second; needed if the config has ``'auto'``.
        window (float, optional): Seconds that the model sees at once; default is
            ``encoding.window``, the longest video that it was trained on, else 150.
        overlap (float, optional): Seconds that windows share; default is half of them.
        cache_bytes (int): Maximum size of the feature cache, in bytes.
        **kwargs: Further arguments of :class:`ModelInferencer`.

    Raises:
        ValueError: If the config's towers are missing, or are not those that the
            checkpoint was trained on; see also :class:`ModelInferencer`.
    """

    task = 'VideoGrounder'
    visualize_kwargs = {
        'out_dir',
        'show',
        'wait_time',
        'top_k',
        'save_video',
        'video_fps',
    }

    def __init__(
        self,
        model: Model = None,
        weights: str | None = None,
        device: str | None = None,
        fps: float | None = None,
        window: float | None = None,
        overlap: float | None = None,
        cache_bytes: int = 1 << 30,
        **kwargs: Any,
    ) -> None:
        super().__init__(model, weights, device, **kwargs)
        window = window or self.encoding.window or DEFAULT_WINDOW
        overlap = window / 2 if overlap is None else overlap
        self.streams = self._open_streams(fps, window, overlap, cache_bytes)
        self.fps = self.streams.fps
        self.query_encoder = self._build_query_encoder()
        text_tower = self.query_encoder and self.query_encoder.tower
        self._check_features(self.streams, fps, text_tower)

    def _build_query_encoder(self) -> QueryEncoder | None:
        """Build the text tower, unless the model has one of its own."""
        query = self.encoding.query
        if query is None:
            return None
        if query.tower is None:
            raise ValueError(
                'the model reads features of queries, and the config does not say '
                'which tower makes them: add encoding.query.tower'
            )
        return QueryEncoder(self._build_tower(query.tower), self.device)

    def __call__(
        self,
        videos: Videos,
        queries: Queries,
        return_datasamples: bool = False,
        batch_size: int = 16,
        on_error: str = 'skip',
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Find the moments of queries in videos.

        Args:
            videos (str | list[str]): Video files, or folders of images.
            queries (str | list[str] | list[list[str]]): Sentences for every video, or
                one list of sentences per video.
            return_datasamples (bool): Return GroundingDataSamples instead of dicts.
            batch_size (int): Queries at once, of one window of one video.
            on_error (str): ``'skip'``: report a video that cannot be read, and go on;
                ``'raise'``: check all videos first, and stop at the first bad one.
            **kwargs: ``out_dir``: folder for ``predictions.jsonl``, written video by
                video, and for one picture per prediction, numbered like the lines of
                that file; a second run into the folder reuses its predictions;
                ``save_video``: also write the video with its timeline there, without
                sound; ``video_fps``: maximum frames per second of it; ``top_k``: number
                of moments that both show; ``show``, ``wait_time`` (s): open a window
                with the picture; ``pred_out_file``: JSON file of all predictions.

        Returns:
            dict: ``predictions``, one per query of each video, video by video: ``video,
            query, duration (s), moments [[start s, end s, score], ...]`` best first,
            ``saliency`` (one per clip), ``fps`` (clips per second); ``visualization``:
            the files in ``out_dir``, video by video; ``failed``: path -> reason.

        Raises:
            BadSampleError: With ``on_error='raise'``, if a video cannot be read.
            ValueError: If ``save_video`` comes without ``out_dir``, or ``batch_size``
                is less than 1; see also :func:`pair_inputs`.
        """
        if kwargs.get('save_video') and not kwargs.get('out_dir'):
            raise ValueError('save_video needs an out_dir to write to')
        if batch_size < 1:
            raise ValueError(f'batch_size must be 1 or more, got {batch_size}')
        requests = [
            VideoRequest(
                pair.path, pair.queries, partial(self._predict, pair, batch_size)
            )
            for pair in pair_inputs(videos, queries)
        ]
        return self._run(requests, on_error, return_datasamples, **kwargs)

    def _predict(
        self, pair: VideoQueries, batch_size: int
    ) -> list[GroundingDataSample]:
        """Return one sample per query of a video."""
        windows = defaultdict(list)
        for batch in self.preprocess([pair], batch_size):
            for sample in self.forward(batch):
                windows[sample.query_id].append(sample)
        merged = [merge_samples(windows[query_id]) for query_id in sorted(windows)]
        return [keep_valid_moments(sample) for sample in merged]

    def preprocess(
        self, inputs: Sequence[VideoQueries], batch_size: int = 1
    ) -> Iterator[dict]:
        """Yield batches for the model, each of one window of one video."""
        for path, queries, first_id in inputs:
            wanted: list[dict] = [
                dict(query_id=first_id + i, query=query)
                for i, query in enumerate(queries)
            ]
            for fields in wanted if self.query_encoder else ():
                fields['query_array'] = self.encode_query(fields['query']).numpy()
            bar = tqdm(desc=path, unit=' clips', disable=not self.show_progress)
            for part in self.streams(path):
                samples = (self._pack(path, part, fields) for fields in wanted)
                for chunk in self._get_chunk_data(samples, batch_size):
                    yield self.collate_fn(chunk)
                bar.total = part.num_clips
                bar.update(part.window.stop - bar.n)
            bar.close()

    def encode_query(self, query: str) -> Tensor:
        """Return the features of a sentence, (L, ...), as a feature store holds them.

        Raises:
            ValueError: If the model reads queries with a text tower of its own.
        """
        if self.query_encoder is None:
            raise ValueError('the model reads the words of queries itself')
        return self.query_encoder(query)

    def _pack(self, path: str, part: VideoPart, query: dict[str, Any]) -> dict:
        """Run the test pipeline on a window and a query, as on a stored sample."""
        start, stop = part.window
        end = part.duration if stop == part.num_clips else stop / self.fps
        packed = self.pipeline(
            dict(
                video_id=output_stem(path),
                video_path=path,
                duration=end - start / self.fps,
                fps=self.fps,
                num_clips=stop - start,
                encoding=self.encoding,
                video_arrays=dict(part.arrays),
                resampled=[n for n, s in self.encoding.loaded.items() if s.resample],
                **query,
            )
        )
        packed['data_samples'].set_metainfo(dict(window=part.window))
        return packed

    def visualize(
        self,
        inputs: Sequence[VideoQueries],
        preds: list[GroundingDataSample],
        out_dir: str = '',
        show: bool = False,
        wait_time: float = 0.0,
        top_k: int = 5,
        save_video: bool = False,
        video_fps: float = 15.0,
    ) -> list[str]:
        """Draw timelines into ``out_dir``, and films; return their paths.

        Films of predictions from an earlier run are kept.
        """
        if not (out_dir or show):
            return []
        pictures, films = [], []
        for sample in preds:
            name = f'{output_stem(sample.video_path)}_{sample.number}'
            if out_dir:
                pictures.append(osp.join(out_dir, f'{name}.png'))
            self.visualizer.add_datasample(
                name,
                data_sample=sample,
                video_path=sample.video_path,
                top_k=top_k,
                show=show,
                wait_time=wait_time,
                out_file=pictures[-1] if out_dir else None,
            )
            if save_video:
                films.append(osp.join(out_dir, f'{name}.mp4'))
                if sample.restored and osp.isfile(films[-1]):
                    continue
                write_timeline_video(
                    timeline_of(sample),
                    sample.video_path,
                    films[-1],
                    top_k,
                    video_fps,
                    sample.fps,
                )
        return pictures + films

    def _pipeline_steps(self, steps: list[dict]) -> list[dict]:
        return steps or [
            dict(type='LoadStoredFeatures'),
            dict(type='PackGroundingInputs'),
        ]

    def _init_visualizer(self, cfg: ConfigDict) -> GroundingVisualizer:
        """Build a visualizer without backends: pictures go to ``out_dir``."""
        return GroundingVisualizer(name=f'inferencer-{id(self)}')

    @staticmethod
    def pred2dict(sample: GroundingDataSample) -> dict[str, Any]:
        """Return a prediction as plain values; see :meth:`__call__`."""
        moments = sample.pred_moments
        rows = torch.cat([moments.spans, moments.scores[:, None]], dim=1)
        return dict(
            video=sample.video_path,
            query=sample.query,
            duration=sample.duration,
            fps=sample.fps,
            moments=rows.cpu().tolist(),
            saliency=sample.pred_saliency.cpu().tolist(),
        )

    @staticmethod
    def restore(record: dict[str, Any], index: int) -> GroundingDataSample:
        """Return the sample of a prediction that an earlier run wrote."""
        rows = torch.tensor(record['moments']).reshape(-1, 3)
        sample = GroundingDataSample(
            metainfo=dict(
                video_id=output_stem(record['video']),
                video_path=record['video'],
                query_id=index,
                query=record['query'],
                duration=record['duration'],
                fps=record['fps'],
                num_clips=len(record['saliency']),
            )
        )
        sample.pred_moments = InstanceData(spans=rows[:, :2], scores=rows[:, 2])
        sample.pred_saliency = torch.tensor(record['saliency'])
        return sample
