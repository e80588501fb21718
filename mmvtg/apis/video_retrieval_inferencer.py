"""Video files and sentences in; which belong together out."""

from typing import Dict, List, Optional, Sequence, Tuple, Union

import mmengine
import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from torch import Tensor
from tqdm import tqdm

from mmvtg.registry import INFERENCERS, TRANSFORMS

from .drawn_frames import DrawnFrames
from .feature_cache import fingerprint
from .inputs import Videos, check_queries, check_videos
from .model_inferencer import ModelInferencer
from .model_loading import test_pipeline


@INFERENCERS.register_module()
class VideoRetrievalInferencer(ModelInferencer):
    """Ranks videos for sentences, and sentences for videos.

    A video becomes one vector, which is kept: ask one library as often as you like.
    Frames are drawn as the config's test pipeline draws them (:class:`DrawnFrames`), so
    that vectors equal those of ``tools/test.py``.

    Args:
        model (str | Config, optional): See :class:`ModelInferencer`.
        weights (str, optional): Likewise; a model of which nothing is learned
            (``hand-written-retrieval_...``) needs none.
        device (str, optional): Likewise.
        fps (float, optional): Frames per second to draw from, if not the config's.
        scope (str): Of mmengine.
        show_progress (bool): Show a bar.

    Attributes:
        library (dict): (path, time of change, size) -> vector (D,), on the CPU.

    Raises:
        ValueError: As :class:`ModelInferencer` and :class:`DrawnFrames`.
    """

    asks = 'VideoTextRetriever'

    def __init__(
        self,
        model: Union[str, Config, dict, None] = None,
        weights: Optional[str] = None,
        device: Optional[str] = None,
        fps: Optional[float] = None,
        scope: str = 'mmvtg',
        show_progress: bool = False,
    ) -> None:
        super().__init__(model, weights, device, scope, show_progress)
        self.frames = DrawnFrames(self.cfg, self._vision_tower, fps)
        self.library: Dict[Tuple[str, int, int], Tensor] = {}

    def __call__(
        self,
        videos: Videos,
        queries: Union[str, Sequence[str]],
        pred_out_file: str = '',
    ) -> Dict[str, list]:
        """Ask a library.

        Args:
            videos (str | list[str]): Video files.
            queries (str | list[str]): Sentences.
            pred_out_file (str): JSON file to write both rankings to.

        Returns:
            dict: ``predictions``, one a query: ``query, videos [[score, video], ...]``
            best first, scores are cosines (means over draws); ``by_video``, one a
            video: ``video, queries [[score, query], ...]``; ``visualization``, empty.

        Raises:
            BadSampleError: A video cannot be read. Like the errors of the arguments
                this is found before the first video is decoded.
            TypeError: Something else than paths and text.
            ValueError: Nothing to do, or an empty query.
        """
        paths = check_videos(videos)
        texts = [queries] if isinstance(queries, str) else queries
        if not isinstance(texts, (list, tuple)):
            raise TypeError(f'queries is {queries!r}: want a sentence or a list')
        check_queries(texts, 'queries')
        library = self.encode_videos(paths)
        scores = self.encode_queries(texts) @ library.T
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
        return dict(rankings, visualization=[])

    @torch.inference_mode()
    def encode_videos(self, paths: Sequence[str]) -> Tensor:
        """Vectors (V, D) of videos; those of unchanged files are not made again.

        Raises:
            BadSampleError: A video cannot be read, found before any is decoded.
        """
        keys = [fingerprint(path) for path in paths]
        missing = {k: path for k, path in zip(keys, paths) if k not in self.library}
        for path in missing.values():
            self.frames.check(path)
        for key, path in tqdm(missing.items(), disable=not self.show_progress):
            drawn = self.frames(path)
            inputs = {name: [drawn[name]] for name in ('video', 'frame_gap')}
            data = self.model.data_preprocessor(dict(inputs=inputs))
            self.library[key] = self.model.encode_videos(data['inputs'])[0].cpu()
        return torch.stack([self.library[key] for key in keys])

    @torch.inference_mode()
    def encode_queries(self, queries: Sequence[str]) -> Tensor:
        """Unit vectors (Q, D) of sentences."""
        ids = [self.pipeline(dict(query=query))['token_ids'] for query in queries]
        data = self.model.data_preprocessor(dict(inputs=dict(token_ids=ids)))
        return self.model.encode_texts(data['inputs']).cpu()

    def _init_pipeline(self, cfg: ConfigDict) -> Compose:
        """What the config's test pipeline does with texts."""
        steps = [s for s in test_pipeline(cfg) if s['type'] == 'TokenizeQuery']
        return Compose(
            [TRANSFORMS.build(s) for s in steps or [dict(type='TokenizeQuery')]]
        )


def _ranked(scores: Tensor, items: Sequence[str]) -> List[list]:
    """[[score, item], ...], best first."""
    order = scores.argsort(descending=True, stable=True).tolist()
    return [[float(scores[index]), items[index]] for index in order]
