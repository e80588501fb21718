"""One (video, query) pair with what is known and what was predicted of it."""

from typing import Optional

from mmengine.structures import BaseDataElement, InstanceData
from torch import Tensor


class GroundingDataSample(BaseDataElement):
    """Annotation and prediction of one query on one video.

    Data fields:
        ``gt_moments`` / ``pred_moments`` (InstanceData): ``spans`` (N, 2) float32 in
        seconds; predictions also ``scores`` (N,), best first.

        ``gt_saliency`` (Tensor): (T,) float32 in [0, 1], training target per clip.

        ``pred_saliency`` (Tensor): (T,) float32, any range, higher is better.

    Meta fields (``metainfo``):
        ``video_id`` (str), ``query_id`` (int | str), ``query`` (str), ``duration``
        (float, seconds), ``fps`` (float, clips per second), ``num_clips`` (int, T),
        ``annotator_scores`` (ndarray, optional): (n, A) raw saliency scores of A
        annotators per annotated clip, as evaluation wants them,
        ``saliency_clip_length`` (float, optional): seconds per row of them,
        ``positive_clip`` (int, optional): the clip that contrastive losses take as
        the positive one; drawn by the head when absent,
        ``positive_clips`` (ndarray, optional): (M,) the clips it is drawn from,
        ``saliency_pairs`` (ndarray, optional): (P, 2) clips of which the first is more
        salient; drawn by the head when absent.
    """

    @property
    def gt_moments(self) -> InstanceData:
        """Annotated ``spans`` (N, 2), seconds."""
        return self._gt_moments

    @gt_moments.setter
    def gt_moments(self, value: InstanceData) -> None:
        self.set_field(value, '_gt_moments', dtype=InstanceData)

    @gt_moments.deleter
    def gt_moments(self) -> None:
        del self._gt_moments

    @property
    def pred_moments(self) -> InstanceData:
        """Predicted ``spans`` (N, 2), seconds, and ``scores`` (N,), best first."""
        return self._pred_moments

    @pred_moments.setter
    def pred_moments(self, value: InstanceData) -> None:
        self.set_field(value, '_pred_moments', dtype=InstanceData)

    @pred_moments.deleter
    def pred_moments(self) -> None:
        del self._pred_moments

    @property
    def gt_saliency(self) -> Optional[Tensor]:
        """(T,) in [0, 1], the target of each clip; None where there is none."""
        return getattr(self, '_gt_saliency', None)

    @gt_saliency.setter
    def gt_saliency(self, value: Tensor) -> None:
        self.set_field(value, '_gt_saliency', dtype=Tensor)

    @gt_saliency.deleter
    def gt_saliency(self) -> None:
        del self._gt_saliency

    @property
    def pred_saliency(self) -> Tensor:
        """(T,), one a clip, any range."""
        return self._pred_saliency

    @pred_saliency.setter
    def pred_saliency(self, value: Tensor) -> None:
        self.set_field(value, '_pred_saliency', dtype=Tensor)

    @pred_saliency.deleter
    def pred_saliency(self) -> None:
        del self._pred_saliency
