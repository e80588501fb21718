"""Moments and queries find each other among all of the batch (MMN)."""

from typing import Tuple

import torch
from torch import Tensor, nn

from mmvtg.registry import MODELS

#: A cosine that adds nothing to a softmax; finite, so that gradients are.
_NEVER = -1e4


@MODELS.register_module()
class MutualMatchingLoss(nn.Module):
    """Contrast of moments and queries, in both directions (MMN eq. 5 to 7).

    The positives of a query are the moments that fit its annotation best. A positive
    moment is to find its query among the queries of the batch, except those of the same
    video that mean nearly the same moment. A query is to find its moment among all
    moments of its video that do not fit, and all of the other videos.

    Negatives are those it is given; :class:`MMNHead` says whether those of one process
    or of all.

    Args:
        num_positives (int): Moments a query.
        margin (float): Taken off the similarity of positives.
        temperature (float): Of both softmaxes.
        proposal_iou (float): A moment of the same video is no negative of a query from
            this IoU on.
        query_iou (float): A query of the same video is no negative from this IoU of
            both annotations on.
        exact_negative_mask (bool): Leave moments out that are no negatives. Else each
            of them adds exp(0) to the sum, as in the authors' code.
        loss_weight (float): Factor of the results.
    """

    def __init__(
        self,
        num_positives: int = 1,
        margin: float = 0.4,
        temperature: float = 0.1,
        proposal_iou: float = 0.5,
        query_iou: float = 0.5,
        exact_negative_mask: bool = False,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.num_positives = num_positives
        self.margin = margin
        self.temperature = temperature
        self.proposal_iou = proposal_iou
        self.query_iou = query_iou
        self.exact_negative_mask = exact_negative_mask
        self.loss_weight = loss_weight

    def forward(
        self,
        similarity: Tensor,
        owners: Tensor,
        ious: Tensor,
        query_ious: Tensor,
    ) -> Tuple[Tensor, Tensor]:
        """Both losses.

        Args:
            similarity (Tensor): (B, V, S), cosine of queries and moments.
            owners (Tensor): (B,) int64, the video of each query.
            ious (Tensor): (B, S), of annotations and the moments of their video.
            query_ious (Tensor): (B, B), of two annotations, whatever the video.

        Returns:
            tuple[Tensor, Tensor]: Scalars: of moments that look for queries, and of
            queries that look for moments.
        """
        best = ious.topk(self.num_positives, dim=1).indices
        rows = torch.arange(len(owners), device=owners.device)
        positive = similarity[rows[:, None], owners[:, None], best] - self.margin
        # (B, K, B'): what the positive moments of a query are to each query
        of_moments = similarity[:, owners[:, None], best].permute(1, 2, 0)
        same_video = owners[:, None] == owners
        foreign = ~(same_video & (query_ious >= self.query_iou))
        of_moments = of_moments.masked_fill(~foreign[:, None], _NEVER)
        of_queries = self._negatives_of_queries(similarity, owners, ious)
        return (
            self.loss_weight * self._contrast(positive, of_moments),
            self.loss_weight * self._contrast(positive, of_queries[:, None]),
        )

    def _negatives_of_queries(
        self, similarity: Tensor, owners: Tensor, ious: Tensor
    ) -> Tensor:
        """(B, V * S), lower than any cosine for what is left out."""
        own = torch.zeros(similarity.shape[:2], dtype=torch.bool, device=ious.device)
        own[torch.arange(len(owners), device=ious.device), owners] = True
        fits = own[..., None] & (ious >= self.proposal_iou)[:, None]
        # parity: times 0 in the exponent, not in the sum
        value = _NEVER if self.exact_negative_mask else 0.0
        return similarity.masked_fill(fits, value).flatten(1)

    def _contrast(self, positive: Tensor, negative: Tensor) -> Tensor:
        """-log softmax of positives (B, K) among negatives (B, K or 1, M)."""
        positive = positive / self.temperature
        rest = (negative / self.temperature).logsumexp(-1)
        return (torch.logaddexp(positive, rest) - positive).mean()
