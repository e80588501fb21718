"""Video files and names of classes in, segments of actions out."""

import math
import os.path as osp
from dataclasses import replace
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union

import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData
from tqdm import tqdm

from mmvtg.datasets.class_lists import readable_name
from mmvtg.encoding import WHOLE, FeatureCache, VideoStreams
from mmvtg.models.heads.stale_head import Proposals
from mmvtg.registry import INFERENCERS, TRANSFORMS
from mmvtg.structures import GroundingDataSample
from mmvtg.visualization import draw_detections

from .class_names import choose_classes
from .inputs import Videos, check_videos
from .model_inferencer import ModelInferencer
from .model_loading import test_dataset, test_pipeline
from .predictions import keep_valid_moments, output_stem

#: Clips a snippet, from which on a warning is given.
_COARSE = 8


@INFERENCERS.register_module()
class ActionDetectionInferencer(ModelInferencer):
    """Finds when something of some classes happens in video files.

    The classes are words of the user's choice, also such that the model was never
    trained on. The config's block ``encoding`` names the towers and ``fps``.
    What the tower hands out is what a store holds, so that answers equal those of
    ``tools/test.py``.

    A model that was trained on videos rescaled to some number of snippets (STALE: 100)
    gets a video of any length so. In an hour of video a snippet is then 36 s, and what
    is shorter cannot be found: give ``window``.

    Args:
        model (str | Config, optional): See :class:`ModelInferencer`.
        weights (str, optional): Likewise.
        device (str, optional): Likewise.
        fps (float, optional): Clips per second, if not the config's.
        window (float, optional): Longer videos are cut into windows of so many seconds,
            which overlap by half. Each goes through the pipeline like a video;
            candidates of all, but for those that :func:`drop_cut` drops, are
            suppressed together. Default: none are cut here (a
            config may cut, with ``model.window``).
        proposer (ActionDetectionInferencer, optional): Of a model that proposes
            segments of no class, for one that names segments (Efficient-Prompt's two
            stages).
        cache_bytes (int): Size of the feature cache.
        scope (str): Of mmengine.
        show_progress (bool): Show a bar for each video.
        isolated (bool): See :class:`ModelInferencer`.

    Raises:
        ValueError: As :class:`ModelInferencer`; or a model that reads more than one
            tower says, needs annotations, or lacks a proposer.
    """

    asks = 'TemporalActionDetector'
    visualize_kwargs = {'out_dir', 'top_k'}

    def __init__(
        self,
        model: Union[str, Config, dict, None] = None,
        weights: Optional[str] = None,
        device: Optional[str] = None,
        fps: Optional[float] = None,
        window: Optional[float] = None,
        proposer: Optional['ActionDetectionInferencer'] = None,
        cache_bytes: int = 1 << 28,
        scope: str = 'mmvtg',
        show_progress: bool = False,
        isolated: bool = False,
    ) -> None:
        super().__init__(model, weights, device, scope, show_progress, isolated)
        self.proposer = proposer
        self.window = window or WHOLE
        self.names_classes = getattr(self.model.head, 'reads_classes', True)
        self._check_model()
        self.streams = VideoStreams(
            self.encoding,
            self._build_tower,
            self._resolve_fps(fps),
            FeatureCache(cache_bytes),
            self.window,
            (window or 0) / 2,
            self.decode,
        )
        rate = 'auto' if fps else self.streams.fps
        self._check_features(self.streams.towers, None, rate)
        self._settings.update(fps=self.streams.fps, window=window)

    def __call__(
        self,
        videos: Videos,
        classes: Union[None, str, Sequence[str]] = None,
        return_datasamples: bool = False,
        batch_size: int = 16,
        on_error: str = 'skip',
        **kwargs: Any,
    ) -> Dict[str, Any]:
        """Ask videos.

        Args:
            videos (str | list[str]): Video files.
            classes (str | list[str], optional): What to look for, in words; default
                is the classes of the config's test set.
            return_datasamples (bool): Give GroundingDataSamples instead of dicts.
            batch_size (int): Windows at once, of one video.
            on_error (str): ``'skip'``: report a video that cannot be read, and go on;
                ``'raise'``: check all videos first, and stop at the first bad one.
            **kwargs: ``out_dir``: folder for one picture a video; ``top_k``: how many
                segments it shows; ``pred_out_file``: JSON file of all answers.

        Returns:
            dict: ``predictions``, one a video: ``video, duration (s), classes,
            instances [[start s, end s, score, class], ...]`` best first; and
            ``visualization``: the pictures in ``out_dir``.

        Raises:
            BadSampleError: A video cannot be read. Like the errors of the arguments
                this is found before the first video is encoded.
            ValueError: Nothing to do, a class twice, or a name that is too long.
        """
        _, _, visualize_kwargs, postprocess_kwargs = self._dispatch_kwargs(**kwargs)
        if batch_size < 1:
            raise ValueError(f'batch_size must be 1 or more, got {batch_size}')
        paths, names = check_videos(videos), self._choose(classes)
        self.model.set_classes([readable_name(name) for name in names])
        return self._run(
            paths,
            str,
            lambda path: [['detect', *names]],
            lambda path: [self._detect(path, names, batch_size)],
            self.streams.check,
            on_error,
            return_datasamples,
            visualize_kwargs,
            postprocess_kwargs,
        )

    def _choose(self, classes: Union[None, str, Sequence[str]]) -> List[str]:
        if self.names_classes:
            return choose_classes(classes, self.cfg)
        if classes is not None:
            raise ValueError(
                'the model proposes segments whatever their class; leave classes out, '
                'or use it as the proposer of a model that names segments'
            )
        return ['action']

    @torch.inference_mode()
    def _detect(
        self, path: str, names: List[str], batch_size: int
    ) -> GroundingDataSample:
        """The sample of a whole video."""
        proposals = None
        if self.proposer is not None:
            (first,) = self.proposer(path, return_datasamples=True)['predictions']
            proposals = first.pred_moments
        rows: list = []
        for batch in self.preprocess([path], batch_size, names=names):
            for sample in batch['data_samples']:
                if proposals is not None:
                    sample.proposals = proposals.to(self.device)
            data = self.model.data_preprocessor(batch)
            found = self.model.propose(**data)
            for sample, some in zip(data['data_samples'], found):
                rows += some if proposals else [drop_cut(row, sample) for row in some]
            whole = data['data_samples'][0]
        whole.set_metainfo(dict(window=(0.0, whole.duration), classes=tuple(names)))
        self.model.finish(whole, rows, math.ceil(whole.duration / self.window))
        return keep_valid_moments(whole.cpu())

    def preprocess(
        self,
        inputs: Sequence[str],
        batch_size: int = 1,
        names: Sequence[str] = (),
    ) -> Iterator[dict]:
        """Batches of windows; each of one video."""
        for path in inputs:
            bar = tqdm(desc=path, unit=' clips', disable=not self.show_progress)
            samples = self._pack(path, names, bar)
            for chunk in self._get_chunk_data(samples, batch_size):
                yield self.collate_fn(chunk)
            bar.close()

    def _pack(self, path: str, names: Sequence[str], bar: tqdm) -> Iterator[dict]:
        """What the data set would make of each window."""
        fps = self.streams.fps
        for part in self.streams(path):
            first, last = part.window
            start = first / fps
            end = part.duration if last == part.num_clips else last / fps
            packed = self.pipeline(
                dict(
                    video_id=output_stem(path),
                    video_streams=list(part.arrays),
                    **{f'{name}_features': x for name, x in part.arrays.items()},
                    duration=end - start,
                    classes=[readable_name(name) for name in names],
                    # of stored rows that have no rate all cover the video
                    fps=fps if test_dataset(self.cfg).get('fps') else None,
                )
            )
            sample = packed['data_samples']
            covered = [start + second for second in sample.window]
            sample.set_metainfo(
                dict(
                    video_path=path,
                    duration=part.duration,
                    window=tuple(covered),
                    num_snippets=len(packed['inputs']['video']),
                )
            )
            self._warn_if_coarse(sample, last - first)
            yield packed
            bar.total = part.num_clips
            bar.update(last - bar.n)

    def _warn_if_coarse(self, sample: GroundingDataSample, num_clips: int) -> None:
        """Say that a video was shrunk so far that short actions vanish."""
        if num_clips > _COARSE * sample.num_snippets:
            start, end = sample.window
            MMLogger.get_current_instance().warning(
                f'{sample.video_path}: the model sees {end - start:.0f} s as '
                f'{sample.num_snippets} snippets of '
                f'{(end - start) / sample.num_snippets:.1f} s, and shorter actions '
                'cannot be found: give window, the seconds of a training video'
            )

    def visualize(
        self,
        inputs: Sequence[str],
        preds: List[GroundingDataSample],
        out_dir: str = '',
        top_k: int = 10,
    ) -> List[str]:
        """Draw each video's segments into ``out_dir``; returns the paths."""
        if not out_dir:
            return []
        pictures = []
        for sample in preds:
            pictures.append(osp.join(out_dir, f'{sample.video_id}_{sample.number}.png'))
            draw_detections(sample, pictures[-1], top_k)
        return pictures

    def _check_model(self) -> None:
        """Refuse what a video file alone does not say."""
        head = self.model.head
        if getattr(head, 'names_proposals', False) and self.proposer is None:
            raise ValueError(
                'the model names segments that another one proposes: give proposer, an '
                'ActionDetectionInferencer of that one (efficient-prompt-proposals_...)'
            )
        if getattr(getattr(head, 'foreground', None), 'uses_annotation', False):
            raise ValueError(
                'the model reads the annotated mask of each video (an upper bound, not '
                'a detector): a video file has none'
            )
        if getattr(head, 'video_scores', None) is not None:
            raise ValueError(
                'the model mixes in class scores of known videos from a file: set '
                'model.head.video_scores = None to ask others'
            )

    def _init_pipeline(self, cfg: ConfigDict) -> Compose:
        """The config's test pipeline; it takes features that are loaded already."""
        steps = test_pipeline(cfg) or [
            dict(type='LoadSnippets'),
            dict(type='PackDetectionInputs'),
        ]
        return Compose([TRANSFORMS.build(step) for step in steps])

    @staticmethod
    def plain(sample: GroundingDataSample) -> Dict[str, Any]:
        """What JSON can say of an answer; see :meth:`__call__`."""
        found = sample.pred_moments
        rows = zip(found.spans.tolist(), found.scores.tolist(), found.labels.tolist())
        return dict(
            video=sample.video_path,
            duration=sample.duration,
            classes=list(sample.classes),
            instances=[
                [*span, score, sample.classes[label]] for span, score, label in rows
            ],
        )

    @staticmethod
    def restore(record: Dict[str, Any], number: int) -> GroundingDataSample:
        """Return the sample of a prediction that an earlier run wrote."""
        rows, classes = record['instances'], record['classes']
        sample = GroundingDataSample(
            metainfo=dict(
                video_id=output_stem(record['video']),
                video_path=record['video'],
                duration=record['duration'],
                window=(0.0, record['duration']),
                classes=tuple(classes),
            )
        )
        sample.pred_moments = InstanceData(
            spans=torch.tensor([row[:2] for row in rows]).reshape(-1, 2),
            scores=torch.tensor([row[2] for row in rows]),
            labels=torch.tensor([classes.index(row[3]) for row in rows]).long(),
        )
        return sample


def drop_cut(row: Proposals, sample: GroundingDataSample) -> Proposals:
    """Leave out candidates that a window cuts and its neighbour sees whole.

    These come within a snippet of a border and are shorter than what windows share,
    half a window. The ends of the video are no borders.

    Args:
        row (Proposals): Of one window, seconds of the video.
        sample (GroundingDataSample): With ``duration``, ``window`` (s) and
            ``num_snippets`` of the window.
    """
    start, end = sample.window
    snippet = (end - start) / sample.num_snippets
    first, last = row.spans.unbind(1)
    at_start = (first <= start + snippet) & (start > 1e-3)
    at_end = (last >= end - snippet) & (end < sample.duration - 1e-3)
    short = last - first < (end - start) / 2 - snippet
    keep = ~((at_start | at_end) & short)
    return replace(
        row, spans=row.spans[keep], scores=row.scores[keep], labels=row.labels[keep]
    )
