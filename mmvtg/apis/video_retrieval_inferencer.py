"""Rankings of videos for sentences, and of sentences for videos."""

from collections.abc import Sequence
from typing import Any

import mmengine
import torch
from torch import Tensor
from tqdm import tqdm

from mmvtg.datasets.transforms import TokenizeQuery
from mmvtg.encoding import fingerprint
from mmvtg.registry import INFERENCERS, TRANSFORMS, is_kind
from mmvtg.video.errors import BadSampleError

from .inputs import Videos, check_queries, check_videos
from .model_inferencer import Model
from .predictions import check_on_error, output_stem, report_failed
from .video_inferencer import VideoInferencer


@INFERENCERS.register_module()
class VideoRetrievalInferencer(VideoInferencer):
    """Ranks videos for sentences, and sentences for videos.

    The vector of each video is kept for further queries. Frames are sampled as in the
    config's test pipeline (:class:`SampledFrames`), so vectors equal those of
    ``tools/test.py``.

    Args:
        model (str | Config, optional): See :class:`ModelInferencer`.
        weights (str, optional): See :class:`ModelInferencer`; a model without learned
            parameters (``hand-written-retrieval_...``) needs no weights.
        device (str, optional): See :class:`ModelInferencer`.
        fps (float, optional): Frames per second to sample from, if not the config's.
        **kwargs: Further arguments of :class:`ModelInferencer`.

    Attributes:
        library (dict): Identity of a file -> vector (D,), on the CPU.

    Raises:
        ValueError: See :class:`ModelInferencer` and :class:`SampledFrames`.
    """

    task = 'VideoTextRetriever'

    def __init__(
        self,
        model: Model = None,
        weights: str | None = None,
        device: str | None = None,
        fps: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(model, weights, device, **kwargs)
        self.frames = self._open_frames(fps)
        self.library: dict[tuple, Tensor] = {}

    def __call__(
        self,
        videos: Videos,
        queries: str | Sequence[str],
        pred_out_file: str = '',
        on_error: str = 'skip',
    ) -> dict[str, Any]:
        """Rank videos for queries, and queries for videos.

        Args:
            videos (str | list[str]): Video files, or folders of images.
            queries (str | list[str]): Sentences.
            pred_out_file (str): JSON file to write both rankings to.
            on_error (str): ``'skip'``: report a video that cannot be read, and rank the
                others; ``'raise'``: check all videos first, and stop at the first bad
                one.

        Returns:
            dict: ``predictions``, one per query: ``query, videos [[score, video],
            ...]`` best first, scores are cosines (means over samples of frames);
            ``by_video``, one per video: ``video, queries [[score, query], ...]``;
            ``visualization``, empty; ``failed``: path -> reason.

        Raises:
            BadSampleError: With ``on_error='raise'``, if a video cannot be read.
            TypeError: If ``videos`` has no paths, or ``queries`` no sentences.
            ValueError: If there are no videos or queries, or a query is empty.
        """
        check_on_error(on_error)
        paths = check_videos(videos)
        texts = [queries] if isinstance(queries, str) else queries
        if not isinstance(texts, (list, tuple)):
            raise TypeError(f'queries must be a sentence or a list, got {queries!r}')
        check_queries(texts, 'queries')
        vectors, failed = self._encode_all(paths, on_error)
        paths = [path for path in paths if path not in failed]
        scores = self.encode_queries(texts)
        scores = scores @ (vectors.T if paths else scores.new_zeros(scores.shape[1], 0))
        rankings = dict(
            predictions=[
                dict(query=text, videos=_ranked(row, paths))
                for text, row in zip(texts, scores)
            ],
            by_video=[
                dict(video=path, queries=_ranked(row, texts))
                for path, row in zip(paths, scores.T)
            ],
        )
        if pred_out_file:
            mmengine.dump(rankings, pred_out_file, indent=1)
        return dict(rankings, visualization=[], failed=failed)

    def encode_videos(self, paths: Sequence[str]) -> Tensor:
        """Return the vectors (V, D) of videos; those of unchanged files are kept.

        Raises:
            BadSampleError: If a video cannot be read, before any is decoded.
        """
        return self._encode_all(paths, 'raise')[0]

    def _encode_all(
        self, paths: Sequence[str], on_error: str
    ) -> tuple[Tensor, dict[str, str]]:
        """Return the vectors of readable videos, and path -> reason of the others."""
        keys = [fingerprint(path) for path in paths]
        missing = {k: path for k, path in zip(keys, paths) if k not in self.library}
        if on_error == 'raise':
            for path in missing.values():
                self.frames.check(path)
        reasons: dict[tuple, str] = {}
        for key, path in tqdm(missing.items(), disable=not self.show_progress):
            try:
                self.library[key] = self._encode(path)
            except BadSampleError as error:
                if on_error == 'raise':
                    raise
                reasons[key] = str(error)
        failed = {p: reasons[k] for k, p in zip(keys, paths) if k in reasons}
        report_failed(failed, len(set(paths)))
        rows = [self.library[key] for key in keys if key not in reasons]
        return torch.stack(rows) if rows else torch.empty(0, 0), failed

    @torch.inference_mode()
    def _encode(self, path: str) -> Tensor:
        """Return the vector (D,) of a video."""
        sampled = self.frames(output_stem(path), path)
        inputs = {name: [sampled[name]] for name in ('video', 'frame_gap')}
        data = self.model.data_preprocessor(dict(inputs=inputs))
        return self.model.encode_videos(data['inputs'])[0].cpu()

    @torch.inference_mode()
    def encode_queries(self, queries: Sequence[str]) -> Tensor:
        """Return the unit vectors (Q, D) of sentences."""
        ids = [self.pipeline(dict(query=query))['token_ids'] for query in queries]
        data = self.model.data_preprocessor(dict(inputs=dict(token_ids=ids)))
        return self.model.encode_texts(data['inputs']).cpu()

    def _pipeline_steps(self, steps: list[dict]) -> list[dict]:
        texts = [s for s in steps if is_kind(s, TokenizeQuery, TRANSFORMS)]
        return texts or [dict(type='TokenizeQuery')]


def _ranked(scores: Tensor, items: Sequence[str]) -> list[list]:
    """Return [[score, item], ...], best first."""
    order = scores.argsort(descending=True, stable=True).tolist()
    return [[float(scores[index]), items[index]] for index in order]
