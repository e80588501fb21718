"""Which action a trimmed video shows."""

from typing import Any, Dict, List, Optional, Sequence, Union

import torch
from mmengine.model import BaseModel
from torch import Tensor

from mmvtg.registry import MODELS

_FEATURES = dict(type='StoredFeatureTower', modality='video')


class VideoEmbedder(BaseModel):
    """Base of models that make one vector of a short video.

    Args:
        vision_tower (dict, optional): A CLIP tower on frames; default: stored features.
        temporal (dict, optional): Lets frames look at each other; default: their mean
            is taken as they are.
        data_preprocessor (dict, optional): Default: :class:`DrawsPreprocessor`.
    """

    def __init__(
        self,
        vision_tower: Optional[dict] = None,
        temporal: Optional[dict] = None,
        data_preprocessor: Optional[dict] = None,
    ) -> None:
        super().__init__(
            MODELS.build(data_preprocessor or dict(type='DrawsPreprocessor'))
        )
        self.vision_tower = MODELS.build(vision_tower or _FEATURES)
        self.temporal = None if temporal is None else MODELS.build(temporal)

    def embed(self, inputs: Dict[str, Tensor]) -> Tensor:
        """One vector for each draw of each video.

        Args:
            inputs (dict): ``video``, K draws of T frames each: features (B, K, T, D) or
                frames (B, K, T, 3, H, W); ``frame_gap`` (B, K) int64, optional.

        Returns:
            Tensor: (B, K, D), not normalised.
        """
        video, gap = inputs['video'], inputs.get('frame_gap')
        runs = video.flatten(0, 1)
        mask = torch.ones(runs.shape[:2], dtype=torch.bool, device=runs.device)
        frames = self.vision_tower(runs, mask).clips.float()
        if self.temporal is not None:
            gap = None if gap is None else gap.flatten()
            frames = self.temporal(frames, gap=gap)
        return frames.mean(dim=1).unflatten(0, video.shape[:2])

    def forward(
        self,
        inputs: Dict[str, Tensor],
        data_samples: Optional[Sequence[Any]] = None,
        mode: str = 'tensor',
    ) -> Union[Dict[str, Tensor], Sequence[Any], Tensor]:
        """mmengine's entry: ``mode`` is ``'loss'``, ``'predict'`` or ``'tensor'``."""
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode == 'tensor':
            return self.embed(inputs)
        raise ValueError(f"mode={mode!r} is none of 'tensor', 'loss', 'predict'")


@MODELS.register_module()
class ActionRecognizer(VideoEmbedder):
    """Video features against classes (Efficient-Prompt, Ju et al. 2022).

    Args:
        classifier (dict): :class:`ClassNameClassifier` or :class:`LinearClassifier`.
        vision_tower (dict, optional): See :class:`VideoEmbedder`.
        temporal (dict, optional): See :class:`VideoEmbedder`.
        data_preprocessor (dict, optional): Default: :class:`DrawsPreprocessor`.
    """

    def __init__(
        self,
        classifier: dict,
        vision_tower: Optional[dict] = None,
        temporal: Optional[dict] = None,
        data_preprocessor: Optional[dict] = None,
    ) -> None:
        super().__init__(vision_tower, temporal, data_preprocessor)
        self.classifier = MODELS.build(classifier)

    def set_classes(self, names: Sequence[str]) -> None:
        """See the classifier's."""
        self.classifier.set_classes(names)

    def loss(
        self, inputs: Dict[str, Tensor], data_samples: Sequence[Any]
    ) -> Dict[str, Tensor]:
        """Loss over all draws of the samples, whose ``gt_label`` is (1,)."""
        video = self.embed(inputs)
        labels = torch.cat([sample.gt_label for sample in data_samples])
        labels = labels.to(video.device).repeat_interleave(video.shape[1])
        return self.classifier.loss(video.flatten(0, 1), labels)

    def predict(
        self, inputs: Dict[str, Tensor], data_samples: Sequence[Any]
    ) -> List[Any]:
        """The samples with ``pred_score`` (K,): mean of the draws' probabilities."""
        video = self.embed(inputs)
        logits = self.classifier(video.flatten(0, 1))
        scores = logits.softmax(dim=1).unflatten(0, video.shape[:2]).mean(dim=1)
        for sample, score in zip(data_samples, scores):
            sample.set_pred_score(score)
            sample.set_pred_label(score.argmax(dim=0, keepdim=True))
        return list(data_samples)
