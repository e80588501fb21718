"""Both injections of VDI on the text tower of a grounder."""

from typing import Dict, List, Optional, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from mmvtg.registry import MODELS
from mmvtg.structures import GroundingDataSample, QueryFeatures, VideoFeatures


@MODELS.register_module()
class VisualDynamicInjection(BaseModule):
    """Teaches a text tower what is seen and what moves (VDI, CVPR 2023).

    A query is cut into its noun chunks, the static query, and the other words, the
    dynamic query; the data pipeline does this (:class:`SplitQuery`). Both go through
    the text tower of the grounder. The losses act on its vectors; neither they nor the
    weights in here are used in inference.

    A query that has no noun chunk, or nothing else, takes no part in the losses.

    Args:
        context (dict, optional): Of :class:`VisualContextInjection`; None: none.
        dynamics (dict, optional): Of :class:`SpatialDynamicInjection`; None: none.
        max_frames (int): Of longer videos so many frames are read, evenly spaced.
    """

    def __init__(
        self,
        context: Optional[dict] = None,
        dynamics: Optional[dict] = None,
        max_frames: int = 32,
    ) -> None:
        super().__init__()
        self.max_frames = max_frames
        self.context = context and MODELS.build(
            {'type': 'VisualContextInjection', **context}
        )
        self.dynamics = dynamics and MODELS.build(
            {'type': 'SpatialDynamicInjection', 'max_frames': max_frames, **dynamics}
        )

    def loss(
        self,
        video: VideoFeatures,
        query: QueryFeatures,
        data_samples: List[GroundingDataSample],
        vision_tower: nn.Module,
        text_tower: nn.Module,
    ) -> Dict[str, Tensor]:
        """Losses by name, each with its weight.

        Args:
            video (VideoFeatures): ``clips`` (V, T, D); ``layers`` too for
                ``dynamics``; with ``owners`` where queries share videos.
            query (QueryFeatures): ``pooled`` (B, D) of the whole queries.
            data_samples (list[GroundingDataSample]): With ``static_ids`` and
                ``dynamic_ids``, tokens, in the metainfo.
            vision_tower (nn.Module): Its ``project`` brings patches to D channels.
            text_tower (nn.Module): ``(ids, mask) -> QueryFeatures`` with ``pooled``.

        Raises:
            KeyError: If the pipeline did not split the queries.
            ValueError: If a tower does not give what is needed.
        """
        names = ('context',) * bool(self.context) + ('dynamic',) * bool(self.dynamics)
        static_ids, dynamic_ids = collect_parts(data_samples)
        kept = [i for i, (s, d) in enumerate(zip(static_ids, dynamic_ids)) if s and d]
        if not kept:
            zero = sum(p.sum() for p in self.parameters()) * 0.0
            return {f'loss_{name}': zero for name in names}
        parts = [static_ids[i] for i in kept] + [dynamic_ids[i] for i in kept]
        static, dynamic = encode(text_tower, parts, video.mask.device).chunk(2)
        rows = torch.tensor(kept, device=video.mask.device)
        owners = rows if video.owners is None else video.owners[rows]
        if video.clips is None:
            raise ValueError(
                'VisualDynamicInjection needs one vector a clip in the space of text: '
                'use the vision tower ProjectedFeatureTower or CLIPVisionTower'
            )
        places, mask = spread_frames(video.mask, self.max_frames)
        frames = pick(video.clips, places).to(static.dtype)
        losses = {}
        if self.context:
            full = query.pooled[rows]
            each = self.context.distances(
                full, static, dynamic, frames[owners], mask[owners]
            )
            losses['loss_context'] = self.context.loss_weight * each.mean()
        if self.dynamics:
            patches = self._patches(video, places, vision_tower).to(static.dtype)
            movements = self.dynamics.movements(frames, patches, mask)
            pairs = self.dynamics.disagreement(movements[owners], dynamic)
            losses['loss_dynamic'] = self.dynamics.loss_weight * pairs.mean()
        return losses

    @staticmethod
    def _patches(
        video: VideoFeatures, places: Tensor, vision_tower: nn.Module
    ) -> Tensor:
        """(V, T', P, D), patches of the last layer in the space of text."""
        project = getattr(vision_tower, 'project', None)
        if not video.layers or video.layers[-1].size(2) < 2 or project is None:
            raise ValueError(
                'SpatialDynamicInjection needs the patches of the last layer: use the '
                'vision tower ProjectedFeatureTower on a store with patches, or '
                'CLIPVisionTower with a LayerTap; or drop `dynamics`'
            )
        with torch.no_grad():
            return project(pick(video.layers[-1], places)[:, :, 1:])


def collect_parts(
    samples: List[GroundingDataSample],
) -> Tuple[List[List[int]], List[List[int]]]:
    """Token ids of static and dynamic queries, empty lists where there are none.

    Raises:
        KeyError: If a sample has none of both in its metainfo.
    """
    for sample in samples:
        if 'static_ids' not in sample.metainfo:
            raise KeyError(
                f'sample {sample.metainfo.get("query_id")!r} has no static_ids: add '
                "dict(type='SplitQuery') to the training pipeline, before "
                'PackGroundingInputs'
            )
    return tuple(
        [list(sample.metainfo[name]) for sample in samples]
        for name in ('static_ids', 'dynamic_ids')
    )


def encode(
    text_tower: nn.Module, parts: List[List[int]], device: torch.device
) -> Tensor:
    """Vectors (N, D) of N lists of token ids.

    Raises:
        ValueError: If the tower gives no vector a query.
    """
    rows = [torch.tensor(part) for part in parts]
    ids = pad_sequence(rows, batch_first=True).to(device)
    lengths = torch.tensor([len(part) for part in parts], device=device)
    mask = torch.arange(ids.size(1), device=device) < lengths[:, None]
    pooled = text_tower(ids, mask).pooled
    if pooled is None:
        raise ValueError(
            'VisualDynamicInjection teaches a text tower that reads tokens, such as '
            'CLIPTextTower(frozen=False); stored features learn nothing'
        )
    return pooled


def spread_frames(mask: Tensor, most: int) -> Tuple[Tensor, Tensor]:
    """Evenly spaced frames of each video, all of a short one.

    Args:
        mask (Tensor): (V, T) bool, real frames, which come first.
        most (int): Frames to take.

    Returns:
        tuple[Tensor, Tensor]: Places (V, T') int64 with T' at most ``most``, and which
        of them are real (V, T').
    """
    lengths = mask.sum(1, keepdim=True)
    steps = torch.arange(min(most, mask.size(1)), device=mask.device)
    even = (steps * 2 + 1) * lengths // (2 * most)
    places = torch.where(lengths > most, even, steps)
    real = steps < lengths
    return places.masked_fill(~real, 0), real


def pick(x: Tensor, places: Tensor) -> Tensor:
    """Frames ``places`` (V, T') of ``x`` (V, T, ...)."""
    return x[torch.arange(len(x), device=x.device)[:, None], places]
