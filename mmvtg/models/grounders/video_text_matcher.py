"""Which moment a query speaks of: pretext tasks that adapt CLIP's image tower."""

from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from torch import Tensor

from mmvtg.models.tower_hooks import ActionPrompt
from mmvtg.registry import MODELS

from .moment_runs import Runs, borrow_runs, join_runs, pick_runs, spread_moments

_LOSSES = ('contrast', 'ranking', 'consistency')


@MODELS.register_module()
class VideoTextMatcher(BaseModel):
    """Trains the hooks of CLIP's image tower to match moments and queries (ActPrompt).

    Of each sample the query is compared with its moment, with another moment of the
    same video (*intra*) and with the moment of a sample of another video (*inter*). A
    moment is the mean of its frames' unit-length vectors. With an :class:`ActionPrompt`
    among the hooks each moment is encoded twice: guided by its motion, and guided by
    the query's verb, whose states :class:`TokenTap` reads. Other hooks, and models
    without hooks, know the first pass only, and no motion.

    What is missing is left out of the softmax: an intra moment where none is free, an
    inter moment where all samples are of one video.

    Args:
        vision_tower (dict): A frozen :class:`CLIPVisionTower` with hooks that learn.
        text_tower (dict): A frozen :class:`CLIPTextTower`, with a :class:`TokenTap` for
            the verb.
        losses (dict): Any of ``contrast`` (:class:`QueryContrastLoss`, eq. 4),
            ``ranking`` (:class:`MomentRankingLoss`, eq. 3) and ``consistency``
            (:class:`AttentionConsistencyLoss`, eq. 1); None switches one off.
        consistency_on (str): ``'positive'``: the query's own moments, which the verb
            describes; ``'all'``: the others as well.
        data_preprocessor (dict, optional): Default: :class:`MomentPreprocessor`.
        init_cfg (dict, optional): Of mmengine.

    Raises:
        ValueError: No loss, or one that needs a hook that there is not.
    """

    def __init__(
        self,
        vision_tower: dict,
        text_tower: dict,
        losses: Dict[str, Optional[dict]],
        consistency_on: str = 'positive',
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        preprocessor = data_preprocessor or dict(type='MomentPreprocessor')
        super().__init__(MODELS.build(preprocessor), init_cfg)
        self.vision_tower = MODELS.build(vision_tower)
        self.text_tower = MODELS.build(text_tower)
        self.losses = torch.nn.ModuleDict(
            {name: MODELS.build(loss) for name, loss in losses.items() if loss}
        )
        if consistency_on not in ('positive', 'all'):
            raise ValueError(
                f"consistency_on is {consistency_on!r}, want 'positive' or 'all'"
            )
        self.consistency_on = consistency_on
        self._check_losses()

    @property
    def guided(self) -> bool:
        """Whether moments are encoded twice, by motion and by verb."""
        return any(isinstance(hook, ActionPrompt) for hook in self.vision_tower.hooks)

    def _check_losses(self) -> None:
        if not self.losses or not set(self.losses) <= set(_LOSSES):
            raise ValueError(
                f'losses are {sorted(self.losses)}, want one or more of {_LOSSES}'
            )
        if 'consistency' in self.losses and not self.guided:
            raise ValueError(
                'the consistency loss compares two prompts of an ActionPrompt: put one '
                'among the hooks of the vision tower, or losses.consistency=None'
            )

    def forward(
        self,
        inputs: Dict[str, Tensor],
        data_samples: Optional[Sequence[Any]] = None,
        mode: str = 'tensor',
    ) -> Union[Dict[str, Tensor], Sequence[Any], Tuple[Tensor, Tensor]]:
        """mmengine's entry: ``mode`` is ``'loss'``, ``'predict'`` or ``'tensor'``.

        Args:
            inputs (dict): ``positive`` (B, T, 3, H, W) uint8 frames of the query's
                moment, ``positive_mask`` (B, T) bool, ``positive_motion`` (B, T, V)
                with action prompts; the same with ``intra``, whose rows may be padding
                alone; ``token_ids`` (B, L) of the queries, zero behind the end token.
            data_samples (Sequence): With ``video_id`` and, for action prompts,
                ``verb_position`` in the metainfo.
            mode (str): What to do.
        """
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode == 'tensor':
            return self.embed(inputs, data_samples)
        raise ValueError(f"mode={mode!r} is none of 'tensor', 'loss', 'predict'")

    def embed(
        self, inputs: Dict[str, Tensor], data_samples: Optional[Sequence[Any]] = None
    ) -> Tuple[Tensor, Tensor]:
        """Moments of the video branch (B, D), and queries (B, D) of unit length."""
        queries, _ = self.encode_queries(inputs, data_samples, with_verbs=False)
        runs = pick_runs(inputs, 'positive', self.guided)
        return self._encode(runs)[0], queries

    def predict(
        self, inputs: Dict[str, Tensor], data_samples: Sequence[Any]
    ) -> List[Any]:
        """The samples with ``video_embedding`` and ``text_embedding``, (D,) each.

        Their inner product is the score of a moment and a query.
        """
        moments, queries = self.embed(inputs, data_samples)
        for sample, moment, query in zip(data_samples, moments, queries):
            sample.set_field(moment, 'video_embedding', dtype=Tensor)
            sample.set_field(query, 'text_embedding', dtype=Tensor)
        return list(data_samples)

    def loss(
        self, inputs: Dict[str, Tensor], data_samples: Sequence[Any]
    ) -> Dict[str, Tensor]:
        """Losses by name, each with its weight; their sum is eq. 5."""
        queries, states = self.encode_queries(inputs, data_samples, self.guided)
        ids = [sample.metainfo['video_id'] for sample in data_samples]
        inter = self.draw_inter(ids).to(queries.device)
        own, other = (
            pick_runs(inputs, 'positive', self.guided),
            pick_runs(inputs, 'intra', self.guided),
        )
        moments, maps = self._encode(join_runs(own, other))
        count, losses = len(queries), {}
        if 'contrast' in self.losses:
            distinct, target = distinct_queries(inputs['token_ids'])
            cosines = cosine(moments[:count], queries[distinct])
            losses['loss_contrast'] = self.losses['contrast'](cosines, target)
        positive = moments[:count]
        triple = [positive, spread_moments(moments[count:], other.queries, count)]
        triple.append(positive[inter.clamp(min=0)])
        valid = torch.ones(count, 3, dtype=torch.bool, device=queries.device)
        valid[:, 1] = False
        valid[other.queries, 1] = True
        valid[:, 2] = inter >= 0
        branches = [torch.stack(triple, 1)]
        if states is not None and set(self.losses) & {'ranking', 'consistency'}:
            borrowed = borrow_runs(own, inter)
            verb, verb_maps = self._encode(join_runs(own, other, borrowed), states)
            rest = (other.queries, borrowed.queries)
            parts = verb.split([count, len(rest[0]), len(rest[1])])
            verb = [
                parts[0],
                *(spread_moments(p, q, count) for p, q in zip(parts[1:], rest)),
            ]
            branches.append(torch.stack(verb, 1))
        if 'ranking' in self.losses:
            losses['loss_ranking'] = sum(
                self.losses['ranking'](cosine(branch, queries[:, None]), valid)
                for branch in branches
            )
        if 'consistency' in self.losses:
            runs = own if self.consistency_on == 'positive' else join_runs(own, other)
            size = len(runs.index)
            losses['loss_consistency'] = self.losses['consistency'](
                maps[:size], verb_maps[:size], runs.index, len(runs.queries)
            )
        return losses

    def encode_queries(
        self,
        inputs: Dict[str, Tensor],
        data_samples: Optional[Sequence[Any]],
        with_verbs: bool,
    ) -> Tuple[Tensor, Optional[Tensor]]:
        """Unit-length queries (B, D), and the states (B, layers, Wt) of their verbs."""
        ids = inputs['token_ids']
        mask = inputs.get('token_ids_mask')
        if mask is None:  # the end token has the largest id
            steps = torch.arange(ids.shape[1], device=ids.device)
            mask = steps <= ids.argmax(dim=1, keepdim=True)
        places = torch.zeros(len(ids), dtype=torch.int64, device=ids.device)
        if with_verbs:
            places = _verb_places(data_samples).to(ids.device)
        outputs: Dict[str, Tensor] = {}
        given = dict(token_places=places)
        pooled = self.text_tower(ids, mask, inputs=given, outputs=outputs).pooled
        states = outputs.get('token_states') if with_verbs else None
        if with_verbs and states is None:
            raise ValueError(
                'ActionPrompt wants the states of the verb: add dict(type="TokenTap") '
                'to the hooks of the text tower'
            )
        return F.normalize(pooled.float(), dim=-1), states

    def draw_inter(self, video_ids: Sequence[Any]) -> Tensor:
        """For each sample another one of another video, (B,) int64; -1: there is none.

        The draw is made here, not in the data set, so that it depends on seed and
        iteration alone.
        """
        drawn = []
        for own in video_ids:
            others = [i for i, other in enumerate(video_ids) if other != own]
            pick = int(torch.randint(len(others), ())) if others else None
            drawn.append(-1 if pick is None else others[pick])
        return torch.tensor(drawn)

    def _encode(
        self, runs: Runs, states: Optional[Tensor] = None
    ) -> Tuple[Tensor, Optional[Tensor]]:
        """Moments (R, D), and attention of the prompt (F, layers, P) where there is.

        Args:
            runs (Runs): R runs.
            states (Tensor, optional): (B, layers, Wt) of the verbs: the verb branch.
        """
        if states is None:
            given = dict(motion=runs.motion) if self.guided else None
            shared = None
        else:
            given, shared = None, dict(verb_states=states[runs.queries])
        frames, _, extras = self.vision_tower.encode_runs(
            runs.frames, runs.index, given, shared
        )
        unit = F.normalize(frames.float(), dim=-1)
        zeros = unit.new_zeros(len(runs.queries), unit.shape[1])
        lengths = torch.bincount(runs.index, minlength=len(runs.queries))
        moments = zeros.index_add(0, runs.index, unit) / lengths[:, None]
        return moments, extras.get('prompt_attention')


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Of moments (N, D) with queries (Q, D): (N, Q); or row by row, (B, M, D) with
    (B, 1, D): (B, M)."""
    a, b = F.normalize(a, dim=-1), F.normalize(b, dim=-1)
    return a @ b.T if a.dim() == 2 else (a * b).sum(dim=-1)


def distinct_queries(token_ids: Tensor) -> Tuple[Tensor, Tensor]:
    """A row (Q,) int64 for each different query, and which of them each row is, (B,).

    Args:
        token_ids (Tensor): (B, L) int64, padded with one number.
    """
    unique, target = torch.unique(token_ids, dim=0, return_inverse=True)
    rows = torch.arange(len(target), device=target.device)
    first = torch.full((len(unique),), len(target), device=target.device)
    first = first.scatter_reduce(0, target, rows, 'amin')
    return first, target


def _verb_places(data_samples: Sequence[Any]) -> Tensor:
    for sample in data_samples:
        if 'verb_position' not in sample.metainfo:
            raise KeyError(
                f'sample {sample.metainfo.get("query_id")!r} has no verb_position: '
                'the data pipeline has to find the main verb of the query'
            )
    return torch.tensor([int(s.metainfo['verb_position']) for s in data_samples])
