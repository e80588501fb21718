"""How well images and captions find each other."""

from typing import Any, Dict, List, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from mmvtg.registry import METRICS

from .collecting import to_numpy


@METRICS.register_module()
class CaptionRetrievalMetric(BaseMetric):
    """R@k of captions for images and of images for captions, over the whole set.

    Equal captions count as one: an image has found its caption if the best one reads
    the same.

    Args:
        top_k (tuple): The k of R@k.
        **kwargs: Of mmengine's BaseMetric.
    """

    default_prefix = 'retrieval'

    def __init__(self, top_k: Sequence[int] = (1, 5), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.top_k = top_k

    def process(self, data_batch: dict, data_samples: Sequence[Any]) -> None:
        """Keep the unit-length embeddings (images (B, D), captions (B, D))."""
        images, texts = (to_numpy(part) for part in data_samples)
        for image, text, caption in zip(images, texts, data_batch['caption']):
            self.results.append((caption, image, text))

    def compute_metrics(self, results: List[tuple]) -> Dict[str, float]:
        """Percentages by name: ``image_to_text_R@1`` and so on, and the set's size."""
        captions = np.array([caption for caption, _, _ in results])
        images = np.stack([image for _, image, _ in results])
        unique, first = np.unique(captions, return_index=True)
        texts = np.stack([results[index][2] for index in first])
        cosines = images @ texts.T
        right = captions[:, None] == unique[None]
        metrics = {}
        for name, scores, hits in (
            ('image_to_text', cosines, right),
            ('text_to_image', cosines.T, right.T),
        ):
            order = np.argsort(-scores, axis=1, kind='stable')
            ranked = np.take_along_axis(hits, order, axis=1)
            for k in self.top_k:
                found = ranked[:, :k].any(axis=1).mean()
                metrics[f'{name}_R@{k}'] = round(100 * float(found), 2)
        metrics['images'] = len(images)
        metrics['captions'] = len(unique)
        return metrics
