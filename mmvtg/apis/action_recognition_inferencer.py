"""Classes of short videos, or of segments of videos."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from mmvtg.datasets.class_lists import readable_name
from mmvtg.encoding import SAMPLING_STEPS
from mmvtg.models.heads import LinearClassifier
from mmvtg.registry import INFERENCERS, TRANSFORMS, is_kind

from .class_names import Classes, choose_classes
from .inputs import Segment, Segments, Videos, check_segments, check_videos
from .model_inferencer import Model
from .predictions import output_stem
from .video_inferencer import VideoInferencer, VideoRequest


@INFERENCERS.register_module()
class ActionRecognitionInferencer(VideoInferencer):
    """Ranks classes of the user's choice for short videos, or segments of videos.

    Classes may be any words, also words that the model was never trained on; a linear
    probe only has the classes of its config. Frames are sampled as in the config's test
    pipeline (:class:`SampledFrames`), so predictions equal those of ``tools/test.py``.

    Args:
        model (str | Config, optional): See :class:`ModelInferencer`.
        weights (str, optional): See :class:`ModelInferencer`; a model without learned
            parameters (``hand-written_...``) needs no weights.
        device (str, optional): See :class:`ModelInferencer`.
        fps (float, optional): Frames per second to sample from, if not the config's.
        **kwargs: Further arguments of :class:`ModelInferencer`.

    Raises:
        ValueError: See :class:`ModelInferencer` and :class:`SampledFrames`.
    """

    task = 'ActionRecognizer'

    def __init__(
        self,
        model: Model = None,
        weights: str | None = None,
        device: str | None = None,
        fps: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(model, weights, device, **kwargs)
        self.frames = self._open_frames(fps)

    def __call__(
        self,
        videos: Videos,
        classes: Classes = None,
        segments: Segments = None,
        return_datasamples: bool = False,
        on_error: str = 'skip',
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Rank classes for videos.

        Args:
            videos (str | list[str]): Video files, or folders of images.
            classes (str | list[str], optional): Names of classes; default is the
                classes of the config's test set.
            segments (tuple | list, optional): ``[start, end]``, s, of every video, or a
                list with one, or None, per video. Default: the whole videos.
            return_datasamples (bool): Return mmaction2's ActionDataSamples, with
                ``pred_score`` (K,), instead of dicts.
            on_error (str): ``'skip'``: report a video that cannot be read, and go on;
                ``'raise'``: check all videos first, and stop at the first bad one.
            **kwargs: ``pred_out_file``: JSON file of all predictions.

        Returns:
            dict: ``predictions``, one per video: ``video, segment, classes [[score,
            class], ...]`` best first, with scores that sum to 1; ``visualization``,
            empty; ``failed``: path -> reason.

        Raises:
            BadSampleError: With ``on_error='raise'``, if a video cannot be read.
            ValueError: If there are no videos, a class is named twice, a name is too
                long, a segment begins after the end of its video, or a linear layer has
                other classes.
        """
        paths, names = check_videos(videos), self._choose(classes)
        pairs = zip(paths, check_segments(segments, len(paths)))
        requests = [
            VideoRequest(path, [None], partial(self._recognize, path, segment, names))
            for path, segment in pairs
        ]
        return self._run(requests, on_error, return_datasamples, **kwargs)

    def _recognize(
        self, path: str, segment: Segment | None, names: Sequence[str]
    ) -> list[Any]:
        """Return the sample of one video."""
        self.frames.check(path, segment)
        (sample,) = self.forward(self.preprocess(path, segment))
        sample.set_metainfo(dict(video=path, segment=segment, classes=names))
        return [sample]

    def _choose(self, classes: Classes) -> list[str]:
        """Return the names of the classes, and give them to the model."""
        names = choose_classes(classes, self.cfg)
        read = [readable_name(name) for name in names]
        if classes is not None and isinstance(self.model.classifier, LinearClassifier):
            own = choose_classes(None, self.cfg)
            if read != own:
                raise ValueError(
                    'a linear probe knows no names, only the classes that it was '
                    f'trained on, in their order: {", ".join(own)}'
                )
        self.model.set_classes(read)
        return names

    def preprocess(
        self, inputs: str, segment: Segment | None = None, **kwargs: Any
    ) -> dict:
        """Return a batch of one video."""
        return self.collate_fn(
            [self.pipeline(self.frames(output_stem(inputs), inputs, segment))]
        )

    def _pipeline_steps(self, steps: list[dict]) -> list[dict]:
        return [s for s in steps if not is_kind(s, SAMPLING_STEPS, TRANSFORMS)]

    @staticmethod
    def pred2dict(sample: Any) -> dict[str, Any]:
        """Return a prediction as plain values; see :meth:`__call__`."""
        scores = sample.pred_score.cpu()
        order = scores.argsort(descending=True, stable=True).tolist()
        return dict(
            video=sample.video,
            segment=sample.segment and list(sample.segment),
            classes=[[float(scores[k]), sample.classes[k]] for k in order],
        )
