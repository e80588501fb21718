"""How well images (or videos) and captions find each other."""

from typing import Any, Dict, List, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from mmvtg.evaluation.functional import evaluate_retrieval
from mmvtg.registry import METRICS

from .collecting import to_numpy


@METRICS.register_module()
class CaptionRetrievalMetric(BaseMetric):
    """R@k and median rank of captions for images and of images for captions.

    Over the whole set; the similarity is computed in blocks, so the set may be large.
    Equal captions count as one: an image has found its caption if the best one reads
    the same.

    Args:
        top_k (tuple): The k of R@k.
        name (str): Of what has captions, for the names of the numbers.
        **kwargs: Of mmengine's BaseMetric.
    """

    default_prefix = 'retrieval'

    def __init__(
        self, top_k: Sequence[int] = (1, 5), name: str = 'image', **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.top_k = top_k
        self.name = name

    def process(self, data_batch: dict, data_samples: Sequence[Any]) -> None:
        """Keep the unit-length embeddings (images (B, D), captions (B, D))."""
        images, texts = (to_numpy(part) for part in data_samples)
        for image, text, caption in zip(images, texts, data_batch['caption']):
            self.results.append((caption, image, text))

    def compute_metrics(self, results: List[tuple]) -> Dict[str, float]:
        """Percentages by name, ``image_to_text_R@1`` and so on, and the set's size."""
        captions = [caption for caption, _, _ in results]
        unique, first = np.unique(captions, return_index=True)
        metrics = evaluate_retrieval(
            np.stack([image for _, image, _ in results]),
            np.stack([results[index][2] for index in first]),
            captions,
            unique.tolist(),
            self.top_k,
            names=(self.name, 'text'),
        )
        return {
            **metrics,
            f'{self.name}s': len(results),
            'captions': len(unique),
        }
