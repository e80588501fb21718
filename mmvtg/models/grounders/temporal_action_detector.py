"""From a video and names of classes to segments."""

from typing import Dict, List, Optional, Sequence, Tuple, Union

import torch
from mmengine.model import BaseModel
from mmengine.structures import InstanceData
from torch import Tensor

from mmvtg.models.data_preprocessors.grounding import pad_sequences
from mmvtg.models.heads.stale_head import Proposals
from mmvtg.registry import MODELS
from mmvtg.structures import GroundingDataSample

from .sliding import cut_windows


@MODELS.register_module()
class TemporalActionDetector(BaseModel):
    """Classes are an argument: train with some, test with others (STALE).

    Samples name the classes in ``metainfo['classes']``, and their labels count them;
    all samples of a batch name the same. While evaluating, class embeddings are
    computed once for as long as neither names nor weights change.

    Args:
        classifier (dict): :class:`ClassNameClassifier`, gives class embeddings.
        head (dict): Has ``loss`` and ``propose`` of (clips, mask, text, samples), and
            ``candidates.suppress``.
        embedding (dict, optional): ``(features, mask) -> clips``; None: the features.
        window (int, optional): Longest video that is read at once, snippets. Longer
            ones are cut into windows that overlap by half, whose candidates are
            joined before suppression. Only in test; data sets cut for training.
        windows_at_once (int): How many of them make a batch.
        data_preprocessor (dict, optional): Default :class:`SnippetPreprocessor`.
        init_cfg (dict, optional): Of mmengine.
    """

    def __init__(
        self,
        classifier: dict,
        head: dict,
        embedding: Optional[dict] = None,
        window: Optional[int] = None,
        windows_at_once: int = 16,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        preprocessor = data_preprocessor or dict(type='SnippetPreprocessor')
        super().__init__(MODELS.build(preprocessor), init_cfg)
        self.classifier = MODELS.build(classifier)
        self.head = MODELS.build(head)
        self.embedding = embedding and MODELS.build(embedding)
        self.window = window
        self.windows_at_once = windows_at_once

    def set_classes(self, names: Sequence[str]) -> None:
        """Say which classes there are; see the classifier's."""
        self.classifier.set_classes(names)

    def class_embeddings(self, samples: Sequence[GroundingDataSample]) -> Tensor:
        """Embeddings (K, C) of the classes that samples name.

        Raises:
            ValueError: They name different ones.
        """
        lists = {tuple(sample.classes) for sample in samples}
        if len(lists) > 1:
            raise ValueError(
                f'a batch speaks of {len(lists)} different lists of classes; batch '
                'videos of one data set, or call detect() for each list'
            )
        self.set_classes(lists.pop())
        return self.classifier.class_features().float()

    def embed(self, video: Tensor, mask: Tensor) -> Tensor:
        """Features (B, T, D) to clips (B, T, C)."""
        video = video.float()
        return video if self.embedding is None else self.embedding(video, mask)

    def loss(
        self, inputs: Dict[str, Tensor], data_samples: List[GroundingDataSample]
    ) -> Dict[str, Tensor]:
        """Losses by name; their sum is what training minimises."""
        text, mask = self.class_embeddings(data_samples), inputs['video_mask']
        clips = self.embed(inputs['video'], mask)
        return self.head.loss(clips, mask, text, data_samples)

    def predict(
        self, inputs: Dict[str, Tensor], data_samples: List[GroundingDataSample]
    ) -> List[GroundingDataSample]:
        """The samples with ``pred_moments``: spans (s), scores, labels, best first.

        ``pred_classes`` (T, K + 1) and ``pred_foreground`` (T,) are added where a video
        was read at once, for pictures.
        """
        for sample, rows in zip(data_samples, self.propose(inputs, data_samples)):
            self.finish(sample, rows)
        return data_samples

    def propose(
        self, inputs: Dict[str, Tensor], data_samples: List[GroundingDataSample]
    ) -> List[List[Proposals]]:
        """Candidates of each sample before suppression, window by window."""
        text = self.class_embeddings(data_samples)
        videos = [v[m] for v, m in zip(inputs['video'], inputs['video_mask'])]
        pieces = cut_windows(videos, data_samples, self.window)
        found: List[List[Proposals]] = [[] for _ in data_samples]
        for start in range(0, len(pieces), self.windows_at_once):
            some = pieces[start : start + self.windows_at_once]
            video, mask = pad_sequences([piece.video for piece in some])
            mask = mask.to(video.device)
            clips = self.embed(video, mask)
            samples = [piece.sample for piece in some]
            rows = self.head.propose(clips, mask, text, samples)
            for piece, row in zip(some, rows):
                found[piece.owner].append(row)
        return found

    def finish(
        self, sample: GroundingDataSample, rows: List[Proposals], times: int = 1
    ) -> None:
        """Suppress the candidates of all windows of a video, into the sample.

        Args:
            sample (GroundingDataSample): Gets ``pred_moments``, see :meth:`predict`.
            rows (list[Proposals]): Of the windows.
            times (int): The video is so many times as long as those that the head's
                limit of segments was made for.
        """
        spans, scores, labels = self.head.candidates.suppress(
            torch.cat([row.spans for row in rows]),
            torch.cat([row.scores for row in rows]),
            torch.cat([row.labels for row in rows]),
            times,
        )
        sample.pred_moments = InstanceData(spans=spans, scores=scores, labels=labels)
        if len(rows) == 1 and rows[0].classes is not None:
            sample.pred_classes = rows[0].classes
            sample.pred_foreground = rows[0].foreground

    @torch.no_grad()
    def detect(
        self,
        videos: Sequence[Tensor],
        durations: Sequence[float],
        classes: Sequence[str],
    ) -> List[List[Tuple[float, float, str, float]]]:
        """Find actions, in evaluation mode.

        Args:
            videos (Sequence[Tensor]): Features (T_i, D) of each video, rescaled if the
                model was trained so.
            durations (Sequence[float]): Of each video, s.
            classes (Sequence[str]): What to look for.

        Returns:
            list: For each video (start s, end s, class, score), best first.
        """
        samples = [
            GroundingDataSample(
                metainfo=dict(window=(0.0, float(duration)), classes=tuple(classes))
            )
            for duration in durations
        ]
        training = self.training
        data = dict(inputs=dict(video=list(videos)), data_samples=samples)
        data = self.data_preprocessor(data)
        try:
            self.eval()
            found = self.predict(**data)
        finally:
            self.train(training)
        return [
            [
                (*span, classes[label], score)
                for span, label, score in zip(
                    sample.pred_moments.spans.tolist(),
                    sample.pred_moments.labels.tolist(),
                    sample.pred_moments.scores.tolist(),
                )
            ]
            for sample in found
        ]

    def forward(
        self,
        inputs: Dict[str, Tensor],
        data_samples: Optional[List[GroundingDataSample]] = None,
        mode: str = 'tensor',
    ) -> Union[Dict[str, Tensor], List[GroundingDataSample], Tensor]:
        """mmengine's entry: ``mode`` is ``'loss'``, ``'predict'`` or ``'tensor'``."""
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode == 'tensor':
            return self.embed(inputs['video'], inputs['video_mask'])
        raise ValueError(f"mode={mode!r} is none of 'tensor', 'loss', 'predict'")
