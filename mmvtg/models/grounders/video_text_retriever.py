"""Which text belongs to which video."""

from typing import Any, Dict, List, Optional, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvtg.models.losses import pair_nce
from mmvtg.registry import MODELS

from .action_recognizer import VideoEmbedder


@MODELS.register_module()
class VideoTextRetriever(VideoEmbedder):
    """One vector a video and one a text (Efficient-Prompt, section 3.3).

    Args:
        text_tower (dict): Config of a text tower; its hooks learn.
        temperature (float): Divides the cosines.
        symmetric (bool): Also compare each text with all videos; the paper compares
            each video with all texts only.
        vision_tower (dict, optional): See :class:`VideoEmbedder`.
        temporal (dict, optional): See :class:`VideoEmbedder`.
        data_preprocessor (dict, optional): Default: :class:`DrawsPreprocessor`.
    """

    def __init__(
        self,
        text_tower: dict,
        temperature: float = 0.07,
        symmetric: bool = False,
        vision_tower: Optional[dict] = None,
        temporal: Optional[dict] = None,
        data_preprocessor: Optional[dict] = None,
    ) -> None:
        super().__init__(vision_tower, temporal, data_preprocessor)
        self.text_tower = MODELS.build(text_tower)
        self.temperature = temperature
        self.symmetric = symmetric

    def embed_texts(self, inputs: Dict[str, Tensor]) -> Tensor:
        """``token_ids`` (B, L) and their mask to (B, D), not normalised."""
        return self.text_tower(inputs['token_ids'], inputs['token_ids_mask']).pooled

    def loss(
        self, inputs: Dict[str, Tensor], data_samples: Sequence[Any]
    ) -> Dict[str, Tensor]:
        """InfoNCE within the batch, mean over draws.

        Other texts about the same video are no negatives.

        Args:
            inputs (dict): As :meth:`embed` and :meth:`embed_texts` read them.
            data_samples (Sequence): Samples with a ``video_id``.

        Returns:
            dict: ``loss``, a scalar.
        """
        videos, texts = self.embed(inputs), self.embed_texts(inputs)
        ids = [sample.metainfo['video_id'] for sample in data_samples]
        same = torch.tensor([[a == b for b in ids] for a in ids], device=texts.device)
        losses = [
            pair_nce(video, texts, self.temperature, same, self.symmetric)
            for video in videos.unbind(1)
        ]
        return dict(loss=torch.stack(losses).mean())

    def encode_videos(self, inputs: Dict[str, Tensor]) -> Tensor:
        """(B, D): the mean of the draws' unit vectors; ``inputs`` as in embed()."""
        return F.normalize(self.embed(inputs), dim=-1).mean(dim=1)

    def encode_texts(self, inputs: Dict[str, Tensor]) -> Tensor:
        """(B, D), unit vectors; ``inputs`` as in embed_texts()."""
        return F.normalize(self.embed_texts(inputs), dim=-1)

    def predict(
        self, inputs: Dict[str, Tensor], data_samples: Sequence[Any]
    ) -> List[Any]:
        """The samples with ``video_embedding`` and ``text_embedding``, (D,) each.

        Their inner product is the mean over draws of the cosines.
        """
        videos, texts = self.encode_videos(inputs), self.encode_texts(inputs)
        for sample, video, text in zip(data_samples, videos, texts):
            sample.set_field(video, 'video_embedding', dtype=Tensor)
            sample.set_field(text, 'text_embedding', dtype=Tensor)
        return list(data_samples)
