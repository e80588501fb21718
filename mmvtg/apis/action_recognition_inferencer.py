"""Short videos, or stretches of videos, and names of classes in; a ranking out."""

from typing import Any, Dict, List, Optional, Sequence, Union

from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose

from mmvtg.datasets.class_lists import readable_name
from mmvtg.encoding import SAMPLING_STEPS
from mmvtg.models.heads import LinearClassifier
from mmvtg.registry import INFERENCERS, TRANSFORMS

from .class_names import choose_classes
from .inputs import Segment, Segments, Videos, check_segments, check_videos
from .model_inferencer import ModelInferencer
from .model_loading import test_pipeline
from .predictions import output_stem


@INFERENCERS.register_module()
class ActionRecognitionInferencer(ModelInferencer):
    """Says which of some classes a short video, or a stretch of a video, shows.

    The classes are words of the user's choice, also such that the model was never
    trained on; a linear probe knows those of its config alone. Frames are
    sampled as in the config's test pipeline (:class:`SampledFrames`), so answers equal
    those of ``tools/test.py``.

    Args:
        model (str | Config, optional): See :class:`ModelInferencer`.
        weights (str, optional): Likewise; a model of which nothing is learned
            (``hand-written_...``) needs none.
        device (str, optional): Likewise.
        fps (float, optional): Frames per second to draw from, if not the config's.
        scope (str): Of mmengine.
        show_progress (bool): Show a bar.
        isolated (bool): See :class:`ModelInferencer`.

    Raises:
        ValueError: As :class:`ModelInferencer` and :class:`SampledFrames`.
    """

    asks = 'ActionRecognizer'

    def __init__(
        self,
        model: Union[str, Config, dict, None] = None,
        weights: Optional[str] = None,
        device: Optional[str] = None,
        fps: Optional[float] = None,
        scope: str = 'mmvtg',
        show_progress: bool = False,
        isolated: bool = False,
    ) -> None:
        super().__init__(model, weights, device, scope, show_progress, isolated)
        self.frames = self._sampled_frames(fps)

    def __call__(
        self,
        videos: Videos,
        classes: Union[None, str, Sequence[str]] = None,
        segments: Segments = None,
        return_datasamples: bool = False,
        on_error: str = 'skip',
        **kwargs: Any,
    ) -> Dict[str, Any]:
        """Ask videos.

        Args:
            videos (str | list[str]): Video files.
            classes (str | list[str], optional): Names to choose from, in words;
                default is the classes of the config's test set.
            segments (tuple | list, optional): ``[start, end]``, s, of every video, or a
                list with one, or None, a video. Default: the whole videos.
            return_datasamples (bool): Give mmaction2's ActionDataSamples, whose
                ``pred_score`` (K,) counts the classes, instead of dicts.
            on_error (str): ``'skip'``: report a video that cannot be read, and go on;
                ``'raise'``: check all videos first, and stop at the first bad one.
            **kwargs: ``pred_out_file``: JSON file of all answers.

        Returns:
            dict: ``predictions``, one a video: ``video, segment, classes [[score,
            class], ...]`` best first, the scores of all sum to 1; and
            ``visualization``, empty.

        Raises:
            BadSampleError: A video cannot be read. Like the errors of the arguments
                this is found before the first video is decoded.
            ValueError: Nothing to do, a class twice, a name that is too long, a segment
                behind the end of its video, or other classes than a linear layer's.
        """
        _, _, _, postprocess_kwargs = self._dispatch_kwargs(**kwargs)
        paths, names = check_videos(videos), self._choose(classes)
        stretches = check_segments(segments, len(paths))
        return self._run(
            list(zip(paths, stretches)),
            lambda one: one[0],
            lambda one: [['recognize', one[1], *names]],
            lambda one: [self._recognize(one[0], one[1], names)],
            self.frames.check,
            on_error,
            return_datasamples,
            {},
            postprocess_kwargs,
        )

    def _recognize(
        self, path: str, segment: Optional[Segment], names: Sequence[str]
    ) -> Any:
        """Return the sample of one video."""
        self.frames.check(path, segment)
        (sample,) = self.forward(self.preprocess(path, segment))
        sample.set_metainfo(dict(video=path, segment=segment, classes=names))
        return sample

    def _choose(self, classes: Union[None, str, Sequence[str]]) -> List[str]:
        """Names of the classes; the model knows them from now on."""
        names = choose_classes(classes, self.cfg)
        read = [readable_name(name) for name in names]
        if classes is not None and isinstance(self.model.classifier, LinearClassifier):
            own = choose_classes(None, self.cfg)
            if read != own:
                raise ValueError(
                    'a linear probe knows no names: it can only be asked for the '
                    f'classes it was trained on, in their order: {", ".join(own)}'
                )
        self.model.set_classes(read)
        return names

    def preprocess(
        self, inputs: str, segment: Optional[Segment] = None, **kwargs: Any
    ) -> dict:
        """A batch of one video."""
        return self.collate_fn(
            [self.pipeline(self.frames(output_stem(inputs), inputs, segment))]
        )

    def _init_pipeline(self, cfg: ConfigDict) -> Compose:
        """The config's test pipeline behind the step that draws."""
        steps = [
            step for step in test_pipeline(cfg) if step['type'] not in SAMPLING_STEPS
        ]
        return Compose([TRANSFORMS.build(step) for step in steps])

    @staticmethod
    def plain(sample: Any) -> Dict[str, Any]:
        """What JSON can say of an answer; see :meth:`__call__`."""
        scores = sample.pred_score.cpu()
        order = scores.argsort(descending=True, stable=True).tolist()
        return dict(
            video=sample.video,
            segment=sample.segment and list(sample.segment),
            classes=[[float(scores[k]), sample.classes[k]] for k in order],
        )
