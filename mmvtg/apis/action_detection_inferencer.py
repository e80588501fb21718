"""Segments of actions, in video files of any length."""

import math
import os.path as osp
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData
from tqdm import tqdm

from mmvtg.datasets.class_lists import readable_name
from mmvtg.encoding import WHOLE
from mmvtg.registry import INFERENCERS
from mmvtg.structures import GroundingDataSample
from mmvtg.visualization import draw_detections

from .class_names import Classes, choose_classes
from .inputs import Videos, check_videos
from .merging import drop_cut
from .model_inferencer import Model
from .model_loading import test_dataset
from .predictions import keep_valid_moments, output_stem
from .video_inferencer import VideoInferencer, VideoRequest

#: Clips per snippet that cause a warning if they are exceeded.
_COARSE = 8


@INFERENCERS.register_module()
class ActionDetectionInferencer(VideoInferencer):
    """Finds segments of actions in video files, for classes of the user's choice.

    Classes may be any words, also words that the model was never trained on. The
    config's block ``encoding`` names the towers and ``fps``. Features equal those of a
    feature store, so predictions equal those of ``tools/test.py``.

    Some models rescale each video to a number of snippets (STALE: 100). In an hour of
    video a snippet is then 36 s, and shorter actions cannot be found: give ``window``.

    Args:
        model (str | Config, optional): See :class:`ModelInferencer`.
        weights (str, optional): See :class:`ModelInferencer`.
        device (str, optional): See :class:`ModelInferencer`.
        fps (float, optional): Clips per second, if not the config's.
        window (float, optional): Length of windows, seconds. Longer videos are split
            into windows that overlap by half, and each window goes through the pipeline
            like a video. Proposals of all windows, except those that :func:`drop_cut`
            drops, are suppressed together. Default: no windows (a config may have
            ``model.window``).
        proposer (ActionDetectionInferencer, optional): Inferencer of a model that
            proposes segments without a class, for a model that names segments
            (Efficient-Prompt's two stages).
        cache_bytes (int): Maximum size of the feature cache, in bytes.
        **kwargs: Further arguments of :class:`ModelInferencer`.

    Raises:
        ValueError: If a tower is missing, or the model needs annotations or a proposer;
            see also :class:`ModelInferencer`.
    """

    task = 'TemporalActionDetector'
    visualize_kwargs = {'out_dir', 'top_k'}

    def __init__(
        self,
        model: Model = None,
        weights: str | None = None,
        device: str | None = None,
        fps: float | None = None,
        window: float | None = None,
        proposer: 'ActionDetectionInferencer | None' = None,
        cache_bytes: int = 1 << 28,
        **kwargs: Any,
    ) -> None:
        super().__init__(model, weights, device, **kwargs)
        self.proposer = proposer
        self.window = window or WHOLE
        self.names_classes = getattr(self.model.head, 'reads_classes', True)
        self._check_model()
        overlap = self.window / 2
        self.streams = self._open_streams(fps, self.window, overlap, cache_bytes)
        self._check_features(self.streams, fps)
        if proposer is not None:
            self._settings['proposer'] = proposer.identity()

    def __call__(
        self,
        videos: Videos,
        classes: Classes = None,
        return_datasamples: bool = False,
        batch_size: int = 16,
        on_error: str = 'skip',
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Find segments of classes in videos.

        Args:
            videos (str | list[str]): Video files, or folders of images.
            classes (str | list[str], optional): Names of classes; default is the
                classes of the config's test set.
            return_datasamples (bool): Return GroundingDataSamples instead of dicts.
            batch_size (int): Windows at once, of one video.
            on_error (str): ``'skip'``: report a video that cannot be read, and go on;
                ``'raise'``: check all videos first, and stop at the first bad one.
            **kwargs: ``out_dir``: folder for ``predictions.jsonl``, written video by
                video, and for one picture per video, numbered like the lines of that
                file; a second run into the folder reuses its predictions and pictures;
                ``top_k``: number of segments in a picture; ``pred_out_file``: JSON file
                of all predictions.

        Returns:
            dict: ``predictions``, one per video: ``video, duration (s), classes,
            instances [[start s, end s, score, class], ...]`` best first;
            ``visualization``: the pictures in ``out_dir``; ``failed``: path -> reason.

        Raises:
            BadSampleError: With ``on_error='raise'``, if a video cannot be read.
            ValueError: If there are no videos, ``batch_size`` is less than 1, a class
                is named twice, or its name is too long.
        """
        if batch_size < 1:
            raise ValueError(f'batch_size must be 1 or more, got {batch_size}')
        paths, names = check_videos(videos), self._choose(classes)
        self.model.set_classes([readable_name(name) for name in names])
        requests = [
            VideoRequest(path, [names], partial(self._detect, path, names, batch_size))
            for path in paths
        ]
        return self._run(requests, on_error, return_datasamples, **kwargs)

    def _choose(self, classes: Classes) -> list[str]:
        """Return the names of the classes to find."""
        if self.names_classes:
            return choose_classes(classes, self.cfg)
        if classes is not None:
            raise ValueError(
                'the model proposes segments of any class; leave classes out, '
                'or use it as the proposer of a model that names segments'
            )
        return ['action']

    @torch.inference_mode()
    def _detect(
        self, path: str, names: list[str], batch_size: int
    ) -> list[GroundingDataSample]:
        """Return the sample of a whole video."""
        proposals = None
        if self.proposer is not None:
            (first,) = self.proposer(path, None, True, on_error='raise')['predictions']
            proposals = first.pred_moments
        rows: list = []
        for batch in self.preprocess([path], batch_size, names=names):
            for sample in batch['data_samples']:
                if proposals is not None:
                    sample.proposals = proposals.to(self.device)
            data = self.model.data_preprocessor(batch)
            found = self.model.propose(**data)
            for sample, some in zip(data['data_samples'], found):
                if proposals is None:
                    some = [drop_cut(row, sample) for row in some]
                rows += some
            whole = data['data_samples'][0]
        whole.set_metainfo(dict(window=(0.0, whole.duration), classes=tuple(names)))
        self.model.finish(whole, rows, math.ceil(whole.duration / self.window))
        return [keep_valid_moments(whole.cpu())]

    def preprocess(
        self,
        inputs: Sequence[str],
        batch_size: int = 1,
        names: Sequence[str] = (),
    ) -> Iterator[dict]:
        """Yield batches of windows, each of one video."""
        for path in inputs:
            bar = tqdm(desc=path, unit=' clips', disable=not self.show_progress)
            samples = self._pack(path, names, bar)
            for chunk in self._get_chunk_data(samples, batch_size):
                yield self.collate_fn(chunk)
            bar.close()

    def _pack(self, path: str, names: Sequence[str], bar: tqdm) -> Iterator[dict]:
        """Yield the windows of a video, packed as by a data set."""
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
                    # Stored rows without a clip rate cover the whole video.
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
        """Warn if a video was shrunk so far that short actions vanish."""
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
        preds: list[GroundingDataSample],
        out_dir: str = '',
        top_k: int = 10,
    ) -> list[str]:
        """Draw the segments of each video into ``out_dir``; return the paths."""
        if not out_dir:
            return []
        pictures = []
        for sample in preds:
            pictures.append(osp.join(out_dir, f'{sample.video_id}_{sample.number}.png'))
            # The log has no scores over time, so an earlier picture shows more.
            if not (sample.restored and osp.isfile(pictures[-1])):
                draw_detections(sample, pictures[-1], top_k)
        return pictures

    def _check_model(self) -> None:
        """Refuse models that need more than a video file."""
        head = self.model.head
        if getattr(head, 'names_proposals', False) and self.proposer is None:
            raise ValueError(
                'the model names segments that another model proposes: give proposer, '
                'an ActionDetectionInferencer of that model '
                '(efficient-prompt-proposals_...)'
            )
        if getattr(getattr(head, 'foreground', None), 'uses_annotation', False):
            raise ValueError(
                'the model reads the annotated mask of each video (an upper bound, not '
                'a detector): a video file has none'
            )
        if getattr(head, 'video_scores', None) is not None:
            raise ValueError(
                'the model mixes in class scores of known videos from a file: set '
                'model.head.video_scores = None for other videos'
            )

    def _pipeline_steps(self, steps: list[dict]) -> list[dict]:
        return steps or [dict(type='LoadSnippets'), dict(type='PackDetectionInputs')]

    @staticmethod
    def pred2dict(sample: GroundingDataSample) -> dict[str, Any]:
        """Return a prediction as plain values; see :meth:`__call__`."""
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
    def restore(record: dict[str, Any], index: int) -> GroundingDataSample:
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
