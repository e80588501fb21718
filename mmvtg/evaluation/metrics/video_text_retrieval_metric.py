"""How well videos and the texts about them find each other."""

from typing import Any, Dict, List, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from mmvtg.evaluation.functional import evaluate_retrieval
from mmvtg.registry import METRICS

from .collecting import sort_unique, to_numpy


@METRICS.register_module()
class VideoTextRetrievalMetric(BaseMetric):
    """R@k and median rank of texts for videos and of videos for texts.

    A text has found its video by rank; a video with several texts has found one if any
    of them comes so early. Needs of a data sample ``video_embedding``,
    ``text_embedding`` and of its metainfo ``video_id``, ``query_id``, ``query``.

    Args:
        top_k (Sequence[int]): The k of R@k.
        **kwargs: Of mmengine's BaseMetric.
    """

    default_prefix = 'retrieval'

    def __init__(self, top_k: Sequence[int] = (1, 5, 10), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.top_k = top_k

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the embeddings."""
        for sample in data_samples:
            self.results.append(
                dict(
                    video_id=sample['video_id'],
                    query_id=sample['query_id'],
                    query=sample['query'],
                    video=to_numpy(sample['video_embedding']).astype(np.float32),
                    text=to_numpy(sample['text_embedding']).astype(np.float32),
                )
            )

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """``text_to_video_R@1`` ..., ``text_to_video_MdR``; the other way; sizes."""
        results = sort_unique(
            results, lambda item: item['query_id'], lambda item: item['query']
        )
        videos: Dict[str, np.ndarray] = {}
        for item in results:
            videos.setdefault(item['video_id'], item['video'])
        metrics = evaluate_retrieval(
            np.stack(list(videos.values())),
            np.stack([item['text'] for item in results]),
            list(videos),
            [item['video_id'] for item in results],
            self.top_k,
        )
        return {**metrics, 'videos': len(videos), 'texts': len(results)}
