"""Video files and sentences in, moments and saliency out."""

import os.path as osp
from collections import defaultdict
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union

import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from torch import Tensor
from tqdm import tqdm

from mmvtg.datasets.transforms.tokenize import TokenizeQuery
from mmvtg.extraction.tower_output import stack_layers
from mmvtg.registry import INFERENCERS, TRANSFORMS
from mmvtg.structures import GroundingDataSample
from mmvtg.visualization import (
    GroundingVisualizer,
    timeline_of,
    write_timeline_video,
)

from .feature_cache import FeatureCache
from .inputs import Queries, VideoQueries, Videos, pair_inputs
from .merging import merge_samples
from .model_inferencer import ModelInferencer
from .model_loading import (
    check_loader,
    clip_rate,
    frame_source,
    loader_slice,
    reads_motion,
    reads_tokens,
    test_pipeline,
)
from .motion_stream import MotionStream
from .video_stream import VideoPart, VideoStream

#: Seconds of a window, where neither the call nor the config says how many.
DEFAULT_WINDOW = 150.0


@INFERENCERS.register_module()
class VTGInferencer(ModelInferencer):
    """Finds what sentences say in video files of any length.

    The config's ``feature_extractor`` names the towers, its ``fps`` the clip rate,
    ``motion_extractor`` the tower of a model that reads motion beside them. A model
    with a text tower of its own reads the query with that one. A
    video that is longer than ``window`` is asked in overlapping windows, whose answers
    are merged (:func:`merge_moments`, :func:`average_saliency`); memory does not grow
    with its length. A shorter one is asked whole, and its answers equal those from
    stored features, because what the towers hand out is what a store holds. Features
    of videos stay in memory for further queries, as far as ``cache_bytes`` reach.

    Args:
        model (str | Config, optional): Config file, name of a model in a metafile
            (``NAME@RELEASE`` for a checkpoint of its authors), or config. Default is
            the config inside of ``weights``.
        weights (str, optional): Checkpoint; default is what the model zoo has for the
            name, downloaded if need be. ``'random'``: random ones, for tests.
        device (str, optional): Default is an accelerator if there is one.
        fps (float, optional): Clips per second; needed if the config says ``'auto'``.
        window (float, optional): Seconds that the model sees at once; default is the
            config's ``window``, the longest video that it was trained on, else 150.
        overlap (float, optional): Seconds that windows share; default is half of them.
        cache_bytes (int): Size of the feature cache.
        scope (str): Of mmengine.
        show_progress (bool): Show a bar for each video.

    Raises:
        DownloadError: The weights of the model zoo cannot be had.
        FileNotFoundError: No such config or checkpoint.
        ValueError: Unknown name, no weights or those of another model, a device that
            is not there, or a config that does not name its towers.
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
        model: Union[str, Config, dict, None] = None,
        weights: Optional[str] = None,
        device: Optional[str] = None,
        fps: Optional[float] = None,
        window: Optional[float] = None,
        overlap: Optional[float] = None,
        cache_bytes: int = 1 << 30,
        scope: str = 'mmvtg',
        show_progress: bool = False,
    ) -> None:
        super().__init__(model, weights, device, scope, show_progress)
        self.fps = clip_rate(self.cfg, fps)
        window = window or self.cfg.get('window') or DEFAULT_WINDOW
        overlap = window / 2 if overlap is None else overlap
        extractor = self._extractor()
        check_loader(self.cfg)
        cache, self.keep = FeatureCache(cache_bytes), loader_slice(self.cfg)
        self.text_tower: Any = None
        if not reads_tokens(self.cfg):
            self.text_tower = self._build_tower(extractor.text_tower)
        self.stream = VideoStream(
            self._build_tower(extractor.vision_tower),
            frame_source(extractor, self.fps),
            window,
            overlap,
            cache,
            self.keep,
        )
        self.motion: Optional[MotionStream] = None
        if reads_motion(self.cfg):
            self.motion = MotionStream(self.cfg, self._build_tower, self.fps, cache)

    def __call__(
        self,
        videos: Videos,
        queries: Queries,
        return_datasamples: bool = False,
        batch_size: int = 16,
        **kwargs: Any,
    ) -> Dict[str, list]:
        """Ask videos.

        Args:
            videos (str | list[str]): Video files.
            queries (str | list[str] | list[list[str]]): Sentences that every video is
                asked, or one list of sentences a video.
            return_datasamples (bool): Give GroundingDataSamples instead of dicts.
            batch_size (int): Queries at once, of one window of one video.
            **kwargs: ``out_dir``: folder for one picture an answer; ``save_video``:
                also write the video with its timeline there, without sound;
                ``video_fps``: most frames a second of it; ``top_k``: how many moments
                both show; ``show``, ``wait_time`` (s): open a window with the picture;
                ``pred_out_file``: JSON file of all answers.

        Returns:
            dict: ``predictions``, one a pair, videos outside: ``video, query, duration
            (s), moments [[start s, end s, score], ...]`` best first, ``saliency`` (one
            a clip), ``fps`` (clips a second); and ``visualization``: what was written
            into ``out_dir``, pictures first.

        Raises:
            BadSampleError: A video cannot be read. Like the errors of
                :func:`pair_inputs` this is found before the first video is encoded.
            ValueError: ``save_video`` without ``out_dir``, or an empty batch.
        """
        _, _, visualize_kwargs, postprocess_kwargs = self._dispatch_kwargs(**kwargs)
        if visualize_kwargs.get('save_video') and not visualize_kwargs.get('out_dir'):
            raise ValueError('save_video needs an out_dir to write to')
        if batch_size < 1:
            raise ValueError(f'batch_size is {batch_size}: want 1 or more')
        inputs = pair_inputs(videos, queries)
        for pair in inputs:
            self.stream.check(pair.path)
        preds: List[GroundingDataSample] = []
        for pair in inputs:
            answers = defaultdict(list)
            for batch in self.preprocess([pair], batch_size):
                for sample in self.forward(batch):
                    answers[sample.query_id].append(sample)
            preds += [merge_samples(answers[query_id]) for query_id in sorted(answers)]
        visualization = self.visualize(inputs, preds, **visualize_kwargs)
        return self.postprocess(
            preds, visualization, return_datasamples, **postprocess_kwargs
        )

    def preprocess(
        self, inputs: Sequence[VideoQueries], batch_size: int = 1
    ) -> Iterator[dict]:
        """Batches for the model, window by window; each of one window of one video."""
        for path, queries, first_id in inputs:
            encoded = [self._encode(query) for query in queries]
            motion: Optional[Tensor] = None
            bar = tqdm(desc=path, unit=' clips', disable=not self.show_progress)
            for part in self.stream(path):
                given = dict(video_features=_lift(part.features, 4))
                if self.motion is not None and motion is None:
                    motion = self.motion(path, part.num_clips)
                if motion is not None:
                    given['motion_features'] = motion[slice(*part.window)]
                samples = (
                    self._pack(path, query, first_id + i, part, {**given, **encoded[i]})
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
        features: Dict[str, Tensor],
    ) -> dict:
        """What the data set would make of this window and query."""
        start, stop = part.window
        end = part.duration if stop == part.num_clips else stop / self.fps
        packed = self.pipeline(
            dict(
                video_id=osp.splitext(osp.basename(path))[0],
                video_path=path,
                query_id=query_id,
                query=query,
                duration=end - start / self.fps,
                fps=self.fps,
                num_clips=stop - start,
                **features,
            )
        )
        packed['data_samples'].set_metainfo(dict(window=part.window))
        return packed

    def _encode(self, query: str) -> Dict[str, Tensor]:
        """A query as it is loaded; nothing for a model that reads its words itself."""
        if self.text_tower is None:
            return {}
        return dict(query_features=self.keep(_lift(self.encode_query(query), 3)))

    @torch.inference_mode()
    def encode_query(self, query: str) -> Tensor:
        """Run the text tower: a sentence -> (L, ...) as a feature store holds it."""
        tokenize = TokenizeQuery(self.text_tower.context_length)
        ids = tokenize(dict(query=query))['token_ids'][None].to(self.device)
        features = self.text_tower(ids, torch.ones_like(ids, dtype=torch.bool))
        words = None if features.words is None else features.words[0]
        return stack_layers([layer[0] for layer in features.layers], words).cpu()

    def visualize(
        self,
        inputs: Sequence[VideoQueries],
        preds: List[GroundingDataSample],
        out_dir: str = '',
        show: bool = False,
        wait_time: float = 0.0,
        top_k: int = 5,
        save_video: bool = False,
        video_fps: float = 15.0,
    ) -> List[str]:
        """Draw timelines into ``out_dir``, and films; returns their paths."""
        if not (out_dir or show):
            return []
        pictures, films = [], []
        for sample in preds:
            name = f'{sample.video_id}_{sample.query_id}'
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
        """The config's test pipeline without what loads files."""
        steps = [
            step
            for step in test_pipeline(cfg) or [dict(type='PackGroundingInputs')]
            if not str(step['type']).startswith('Load')
        ]
        return Compose([TRANSFORMS.build(step) for step in steps])

    def _init_visualizer(self, cfg: ConfigDict) -> GroundingVisualizer:
        """One without backends: pictures go to ``out_dir``."""
        return GroundingVisualizer(name=f'inferencer-{id(self)}')

    @staticmethod
    def plain(sample: GroundingDataSample) -> Dict[str, Any]:
        """What JSON can say of an answer; see :meth:`__call__`."""
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


def _lift(rows: Tensor, num_axes: int) -> Tensor:
    """One vector a row becomes one layer (and one patch), as when it is loaded."""
    shape = (len(rows), *[1] * (num_axes - rows.dim()), *rows.shape[1:])
    return rows.reshape(shape)
