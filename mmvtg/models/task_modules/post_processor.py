"""What happens to predicted moments between the head and the submission."""

from typing import List, Optional, Sequence, Tuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mmvtg.registry import TASK_UTILS

from .nms import batched_moment_nms

Moments = Tuple[Tensor, Tensor]


@TASK_UTILS.register_module()
class MomentPostProcessor:
    """Clamp, round, suppress and sort predicted moments.

    In this order:

    1. clamp both ends into the video;
    2. round both ends to multiples of ``unit`` (half to even), but only of rows that
       ended before the end of the video: a row cut at the end stays as it is, and its
       start too. A rounded end may thus pass the duration by at most half a unit;
    3. non-maximum suppression, all queries at once;
    4. sort by the new score, best first; equal scores keep their order.

    Unless ``keep`` says so, no row is dropped: hard suppression leaves rows of score 0
    at the end.

    Args:
        unit (float, optional): Seconds that ends are rounded to; None: no rounding.
        nms (dict, optional): Arguments of :func:`batched_moment_nms`; None: no
            suppression.
        max_time (float, optional): Clamp at so many seconds, whatever the duration
            (parity: Moment-DETR's 150).
        round_all (bool): Round the rows cut at the end, too (parity: all methods but
            R2-Tuning).
        keep (int, optional): Drop rows of score 0 and all but the first so many.

    Raises:
        ValueError: If ``unit`` is not positive.
    """

    def __init__(
        self,
        unit: Optional[float] = None,
        nms: Optional[dict] = None,
        max_time: Optional[float] = None,
        round_all: bool = False,
        keep: Optional[int] = None,
    ) -> None:
        if unit is not None and unit <= 0:
            raise ValueError(
                f'MomentPostProcessor: unit = {unit} must be positive seconds; '
                'use None to switch rounding off'
            )
        self.unit = unit
        self.nms = None if nms is None else dict(nms)
        self.max_time = max_time
        self.round_all = round_all
        self.keep = keep

    def __call__(
        self, moments: Sequence[Moments], durations: Sequence[float]
    ) -> List[Moments]:
        """Post-process the moments of several queries.

        Args:
            moments (Sequence[tuple]): One (spans, scores) a query: spans (N_i, 2) in
                seconds, scores (N_i,). Lengths may differ and may be 0.
            durations (Sequence[float]): Video length of each query, seconds.

        Returns:
            list[tuple]: One (spans, scores) a query, best first; same shapes unless
            ``keep`` drops rows.

        Raises:
            ValueError: If there are more or fewer durations than queries.
        """
        if len(moments) != len(durations):
            raise ValueError(
                f'MomentPostProcessor got {len(moments)} queries but '
                f'{len(durations)} durations; pass one duration (s) a query'
            )
        if not moments:
            return []
        lengths = [len(scores) for _, scores in moments]
        spans = pad_sequence([s.reshape(-1, 2) for s, _ in moments], batch_first=True)
        scores = pad_sequence([s for _, s in moments], batch_first=True)
        rank = torch.arange(scores.size(1), device=scores.device)
        mask = rank < torch.tensor(lengths, device=scores.device).unsqueeze(1)

        spans = self.fit(spans, spans.new_tensor(list(durations)))
        if self.nms is not None:
            scores = batched_moment_nms(spans, scores, mask, **self.nms)
        order = scores.masked_fill(~mask, -torch.inf)
        order = order.argsort(dim=1, descending=True, stable=True)
        scores = scores.gather(1, order)
        spans = spans.gather(1, order.unsqueeze(-1).expand(-1, -1, 2))
        if self.keep is not None:
            kept = (mask & (scores > 0)).sum(1).clamp(max=self.keep)
            lengths = kept.tolist()
        return [(s[:n], c[:n]) for s, c, n in zip(spans, scores, lengths)]

    def fit(self, spans: Tensor, durations: Tensor) -> Tensor:
        """Steps 1 and 2: clamp into the video and round.

        Args:
            spans (Tensor): (B, N, 2) seconds.
            durations (Tensor): (B,) seconds.

        Returns:
            Tensor: (B, N, 2) seconds.
        """
        durations = durations.view(-1, 1, 1)
        if self.max_time is not None:
            durations = torch.full_like(durations, self.max_time)
        inside = (spans[..., 1:] < durations) | self.round_all
        spans = torch.minimum(spans.clamp(min=0), durations)
        if self.unit is None:
            return spans
        return torch.where(inside, (spans / self.unit).round() * self.unit, spans)
