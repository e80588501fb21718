"""A video file and sentences in, moments out."""

import os.path as osp
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union

import mmengine
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.infer import BaseInferencer
from torch import Tensor

from mmvtg.datasets.transforms import PackGroundingInputs
from mmvtg.registry import INFERENCERS, MODELS, TRANSFORMS
from mmvtg.structures import GroundingDataSample


@INFERENCERS.register_module()
class GroundingInferencer(BaseInferencer):
    """Finds what sentences say in encoded videos.

    The config's ``feature_extractor`` names the towers, its ``fps`` the clip rate; a
    video runs through the tower once, however many queries are asked. Answers equal
    those from stored features, because what the towers hand out is what a store holds.

    Args:
        model (str): Config file, or the name of a model in a metafile.
        weights (str, optional): Checkpoint; default is the metafile's.
        device (str, optional): Default is an accelerator if there is one.
        fps (float, optional): Clips per second; needed if the config says ``'auto'``.
        scope (str): Of mmengine.
        show_progress (bool): Show a bar over the batches.
    """

    preprocess_kwargs: set = set()
    forward_kwargs: set = set()
    visualize_kwargs: set = {'out_dir', 'top_k'}
    postprocess_kwargs: set = {'pred_out_file'}

    def __init__(
        self,
        model: Union[str, dict],
        weights: Optional[str] = None,
        device: Optional[str] = None,
        fps: Optional[float] = None,
        scope: str = 'mmvtg',
        show_progress: bool = False,
    ) -> None:
        super().__init__(model, weights, device, scope, show_progress)
        extractor = self.cfg.get('feature_extractor')
        if extractor is None:
            raise ValueError(
                'the config has no feature_extractor, so it does not say which towers '
                'its features come from; add one (configs/_base_/models/clip_b32_k4.py)'
            )
        self.fps = self.cfg.fps if fps is None else fps
        if self.fps == 'auto':
            raise ValueError("the config's fps is 'auto'; say how many clips a second")
        self.device = next(self.model.parameters()).device
        self.vision_tower = MODELS.build(extractor.vision_tower).to(self.device).eval()
        self.text_tower = MODELS.build(extractor.text_tower).to(self.device).eval()

    def __call__(
        self,
        videos: Union[str, Sequence[str]],
        queries: Union[str, Sequence[str]],
        return_datasamples: bool = False,
        batch_size: int = 16,
        **kwargs: Any,
    ) -> Dict[str, list]:
        """Ask every query of every video.

        Args:
            videos (str | list[str]): Video files.
            queries (str | list[str]): Sentences.
            return_datasamples (bool): Give GroundingDataSamples instead of dicts.
            batch_size (int): Queries at once.
            **kwargs: ``out_dir``: folder for one picture an answer; ``top_k``: how many
                moments it shows; ``pred_out_file``: JSON file of all answers.

        Returns:
            dict: ``predictions``, one a pair, videos outside: ``video, query, duration
            (s), moments [[start s, end s, score], ...]`` best first, ``saliency`` (one
            a clip), ``fps``; and ``visualization``: paths of the pictures.

        Raises:
            BadSampleError: A video cannot be read or a query is empty.
        """
        videos = [videos] if isinstance(videos, str) else list(videos)
        queries = [queries] if isinstance(queries, str) else list(queries)
        inputs = [dict(video=v, query=q) for v in videos for q in queries]
        return super().__call__(inputs, return_datasamples, batch_size, **kwargs)

    def _init_pipeline(self, cfg: Any) -> Compose:
        return Compose([TRANSFORMS.build(dict(type='TokenizeQuery'))])

    def _init_collate(self, cfg: Any) -> Any:
        return pseudo_collate

    def preprocess(self, inputs: List[dict], batch_size: int = 1) -> Iterable[dict]:
        """Batches for the model; consecutive inputs of a video share its features."""
        pack = PackGroundingInputs()
        packed = (pack(pair) for pair in self._with_features(inputs))
        for chunk in self._get_chunk_data(packed, batch_size):
            yield self.collate_fn(chunk)

    def _with_features(self, inputs: List[dict]) -> Iterable[dict]:
        path, features, duration = None, None, 0.0
        for index, pair in enumerate(inputs):
            tokens = self.pipeline(dict(query=pair['query'], query_id=index))
            if pair['video'] != path:
                path = pair['video']
                features, duration = self.encode_video(path)
            yield dict(
                video_id=osp.splitext(osp.basename(path))[0],
                video_path=path,
                query_id=index,
                query=pair['query'],
                duration=duration,
                fps=self.fps,
                num_clips=len(features),
                video_features=features,
                query_features=self.encode_query(tokens['token_ids']),
            )

    @torch.inference_mode()
    def encode_video(self, path: str) -> Tuple[Tensor, float]:
        """Decode a video and run the vision tower.

        Returns:
            tuple: Features (T, N, P, C) float16, and the duration in seconds.
        """
        size = self.cfg.feature_extractor.frame_size
        load = TRANSFORMS.build(dict(type='LoadVideo', fps=self.fps, size=size))
        results = load(dict(video_path=path))
        frames = results['frames'][None].to(self.device)
        mask = torch.ones(frames.shape[:2], dtype=torch.bool, device=self.device)
        layers = self.vision_tower(frames, mask).layers
        return torch.stack(layers, dim=2)[0].half().cpu(), results['video_duration']

    @torch.inference_mode()
    def encode_query(self, token_ids: Tensor) -> Tensor:
        """Run the text tower: (L,) ids -> (L, N, C) float16."""
        ids = token_ids[None].to(self.device)
        layers = self.text_tower(ids, torch.ones_like(ids, dtype=torch.bool)).layers
        return torch.stack(layers, dim=2)[0].half().cpu()

    def visualize(
        self,
        inputs: List[dict],
        preds: List[GroundingDataSample],
        out_dir: str = '',
        top_k: int = 5,
    ) -> List[str]:
        """Draw one timeline an answer into ``out_dir``; returns the paths."""
        if not out_dir:
            return []
        paths = []
        for sample in preds:
            name = f'{sample.video_id}_{sample.query_id}.png'
            paths.append(osp.join(out_dir, name))
            self.visualizer.add_datasample(
                sample.video_id,
                data_sample=sample,
                video_path=sample.video_path,
                top_k=top_k,
                out_file=paths[-1],
            )
        return paths

    def postprocess(
        self,
        preds: List[GroundingDataSample],
        visualization: List[str],
        return_datasamples: bool = False,
        pred_out_file: str = '',
    ) -> Dict[str, list]:
        """Turn samples into plain values, and write them if asked."""
        plain = [self._to_dict(sample) for sample in preds]
        if pred_out_file:
            mmengine.dump(plain, pred_out_file, indent=1)
        predictions = preds if return_datasamples else plain
        return dict(predictions=predictions, visualization=visualization)

    @staticmethod
    def _to_dict(sample: GroundingDataSample) -> Dict[str, Any]:
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
