"""Video files and sentences in, moments and saliency out."""

import os.path as osp
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from torch import Tensor
from tqdm import tqdm

from mmvtg.encoding import FeatureCache, QueryEncoder, VideoPart, VideoStreams
from mmvtg.registry import INFERENCERS, TRANSFORMS
from mmvtg.structures import GroundingDataSample
from mmvtg.visualization import (
    GroundingVisualizer,
    timeline_of,
    write_timeline_video,
)

from .inputs import Queries, VideoQueries, Videos, pair_inputs
from .merging import merge_samples
from .model_inferencer import ModelInferencer
from .model_loading import test_pipeline
from .predictions import keep_valid_moments, output_stem

#: Seconds of a window, where neither the call nor the config gives one.
DEFAULT_WINDOW = 150.0


@INFERENCERS.register_module()
class VTGInferencer(ModelInferencer):
    """Finds the moments of sentences in video files of any length.

    The config's block ``encoding`` names the towers, the clip rate, and how features
    are joined. A model with a text tower of its own reads the query with that tower.
    The config's test pipeline prepares the features as it does for stored ones, so
    answers equal those of ``tools/test.py``.

    A video that is longer than ``window`` is split into overlapping windows, and their
    predictions are merged (:func:`merge_moments`, :func:`average_saliency`); memory
    does not grow with its length. Features of videos stay in memory for further
    queries, up to ``cache_bytes``.

    Args:
        model (str | Config, optional): Config file, name of a model in a metafile
            (``NAME@RELEASE`` for a checkpoint of its authors), or config. Default is
            the config inside ``weights``.
        weights (str, optional): Checkpoint; default is the one in the model zoo,
            downloaded if need be. ``'random'``: random weights, for tests.
        device (str, optional): Default is an accelerator if there is one.
        fps (float, optional): Clips per second; needed if the config has ``'auto'``.
        window (float, optional): Seconds that the model sees at once; default is
            ``encoding.window``, the longest video that it was trained on, else 150.
        overlap (float, optional): Seconds that windows share; default is half of them.
        cache_bytes (int): Size of the feature cache.
        scope (str): Scope of mmengine's registries.
        show_progress (bool): Show a progress bar for each video.
        isolated (bool): Decode in another process, which is killed if a video gets
            stuck, instead of in a thread.

    Raises:
        DownloadError: If weights of the model zoo cannot be downloaded.
        FileNotFoundError: If the config or checkpoint does not exist.
        ValueError: If the name is unknown, weights are missing or belong to another
            model, the device is not there, or the config's towers are not those that
            the checkpoint was trained on.
    """

    asks = 'VideoGrounder'
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
        model: str | Config | dict | None = None,
        weights: str | None = None,
        device: str | None = None,
        fps: float | None = None,
        window: float | None = None,
        overlap: float | None = None,
        cache_bytes: int = 1 << 30,
        scope: str = 'mmvtg',
        show_progress: bool = False,
        isolated: bool = False,
    ) -> None:
        super().__init__(model, weights, device, scope, show_progress, isolated)
        self.fps = self._resolve_fps(fps)
        window = window or self.encoding.window or DEFAULT_WINDOW
        overlap = window / 2 if overlap is None else overlap
        self.streams = VideoStreams(
            self.encoding,
            self._build_tower,
            self.fps,
            FeatureCache(cache_bytes),
            window,
            overlap,
            self.decode,
        )
        self.query_encoder: QueryEncoder | None = None
        query = self.encoding.query
        if query is not None:
            if query.tower is None:
                raise ValueError(
                    'the model reads features of queries, and the config does not say '
                    'which tower makes them: add encoding.query.tower'
                )
            tower = self._build_tower(query.tower)
            self.query_encoder = QueryEncoder(tower, self.device)
        self._check_features(
            self.streams.towers,
            self.query_encoder and self.query_encoder.tower,
            'auto' if fps else self.fps,
        )
        self._settings.update(fps=self.fps, window=window, overlap=overlap)

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
                video, which a second run goes on with, and for one picture per
                prediction; ``save_video``: also write the video with its timeline
                there, without sound; ``video_fps``: maximum frames per second of it;
                ``top_k``: number of moments that both show; ``show``, ``wait_time``
                (s): open a window with the picture; ``pred_out_file``: JSON file of all
                predictions.

        Returns:
            dict: ``predictions``, one per pair, videos outside: ``video, query,
            duration (s), moments [[start s, end s, score], ...]`` best first,
            ``saliency`` (one per clip), ``fps`` (clips per second); ``visualization``:
            the files in ``out_dir``, pictures first; ``failed``: path -> reason.

        Raises:
            BadSampleError: With ``on_error='raise'``, if a video cannot be read.
            ValueError: If ``save_video`` comes without ``out_dir``, or ``batch_size``
                is less than 1; see also :func:`pair_inputs`.
        """
        _, _, visualize_kwargs, postprocess_kwargs = self._dispatch_kwargs(**kwargs)
        if visualize_kwargs.get('save_video') and not visualize_kwargs.get('out_dir'):
            raise ValueError('save_video needs an out_dir to write to')
        if batch_size < 1:
            raise ValueError(f'batch_size must be 1 or more, got {batch_size}')
        inputs = pair_inputs(videos, queries)
        return self._run(
            inputs,
            lambda pair: pair.path,
            lambda pair: list(pair.queries),
            lambda pair: self._predict(pair, batch_size),
            self.streams.check,
            on_error,
            return_datasamples,
            visualize_kwargs,
            postprocess_kwargs,
        )

    def _predict(
        self, pair: VideoQueries, batch_size: int
    ) -> list[GroundingDataSample]:
        """Return one sample per query of a video."""
        answers = defaultdict(list)
        for batch in self.preprocess([pair], batch_size):
            for sample in self.forward(batch):
                answers[sample.query_id].append(sample)
        merged = [merge_samples(answers[query_id]) for query_id in sorted(answers)]
        return [keep_valid_moments(sample) for sample in merged]

    def preprocess(
        self, inputs: Sequence[VideoQueries], batch_size: int = 1
    ) -> Iterator[dict]:
        """Yield batches for the model, each of one window of one video."""
        for path, queries, first_id in inputs:
            encoded = [self._encode(query) for query in queries]
            bar = tqdm(desc=path, unit=' clips', disable=not self.show_progress)
            for part in self.streams(path):
                samples = (
                    self._pack(path, query, first_id + i, part, encoded[i])
                    for i, query in enumerate(queries)
                )
                for chunk in self._get_chunk_data(samples, batch_size):
                    yield self.collate_fn(chunk)
                bar.total = part.num_clips
                bar.update(part.window.stop - bar.n)
            bar.close()

    def _pack(
        self,
        path: str,
        query: str,
        query_id: int,
        part: VideoPart,
        encoded: dict[str, Any],
    ) -> dict:
        """Run the test pipeline on a window and a query, as on a stored sample."""
        start, stop = part.window
        end = part.duration if stop == part.num_clips else stop / self.fps
        settings = self.encoding.loaded
        packed = self.pipeline(
            dict(
                video_id=output_stem(path),
                video_path=path,
                query_id=query_id,
                query=query,
                duration=end - start / self.fps,
                fps=self.fps,
                num_clips=stop - start,
                encoding=self.encoding,
                # an array of its own: the pipeline may work in place
                video_arrays={name: rows.copy() for name, rows in part.arrays.items()},
                resampled=[n for n, one in settings.items() if one.resample],
                **encoded,
            )
        )
        packed['data_samples'].set_metainfo(dict(window=part.window))
        return packed

    def _encode(self, query: str) -> dict[str, Any]:
        """Encode a query; a model that reads its words itself needs no features."""
        if self.query_encoder is None:
            return {}
        return dict(query_array=self.query_encoder(query).numpy())

    def encode_query(self, query: str) -> Tensor:
        """Run the text tower: a sentence -> (L, ...) as a feature store holds it."""
        if self.query_encoder is None:
            raise ValueError('the model reads the words of queries itself')
        return self.query_encoder(query)

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
        """Draw timelines into ``out_dir``, and films; return their paths."""
        if not (out_dir or show):
            return []
        pictures, films = [], []
        for sample in preds:
            name = f'{output_stem(sample.video_path)}_{sample.query_id}'
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
                timeline = timeline_of(sample)
                write_timeline_video(
                    timeline, sample.video_path, films[-1], top_k, video_fps
                )
        return pictures + films

    def _init_pipeline(self, cfg: ConfigDict) -> Compose:
        """Build the config's test pipeline."""
        steps = test_pipeline(cfg) or [
            dict(type='LoadStoredFeatures'),
            dict(type='PackGroundingInputs'),
        ]
        return Compose([TRANSFORMS.build(step) for step in steps])

    def _init_visualizer(self, cfg: ConfigDict) -> GroundingVisualizer:
        """Build one without backends: pictures go to ``out_dir``."""
        return GroundingVisualizer(name=f'inferencer-{id(self)}')

    @staticmethod
    def plain(sample: GroundingDataSample) -> dict[str, Any]:
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
    def restore(record: dict[str, Any], query_id: int) -> GroundingDataSample:
        """Return the sample of a prediction that an earlier run wrote."""
        from mmengine.structures import InstanceData

        rows = torch.tensor(record['moments']).reshape(-1, 3)
        sample = GroundingDataSample(
            metainfo=dict(
                video_id=output_stem(record['video']),
                video_path=record['video'],
                query_id=query_id,
                query=record['query'],
                duration=record['duration'],
                fps=record['fps'],
                num_clips=len(record['saliency']),
            )
        )
        sample.pred_moments = InstanceData(spans=rows[:, :2], scores=rows[:, 2])
        sample.pred_saliency = torch.tensor(record['saliency'])
        return sample
