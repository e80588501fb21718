"""Extraction jobs that the block ``encoding`` of a config stands for."""

import os.path as osp
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from mmengine.logging import MMLogger

from mmvtg.datasets.encoding_spec import EncodingSpec, StreamSpec
from mmvtg.datasets.feature_streams import QUERY
from mmvtg.registry import DATASETS

from .dataset_files import Place, feature_places, find_layout, is_published, video_path
from .jobs import Job
from .motion import MotionStore


class _Store(NamedTuple):
    """Identity of a job: stream or ``query``, folder, rate in the manifest, motion."""

    stream: str
    folder: str
    fps: float | str | None = None
    motion: MotionStore | None = None


class JobPlanner:
    """Turns videos, queries and data sets into jobs, one per stream and folder.

    Streams that the hooks of other towers read as ``motion`` come first.

    Args:
        spec (EncodingSpec): The config's block.
        common (Mapping): Arguments of :class:`FeatureExtractor` for all jobs.
        names (Sequence[str], optional): Streams to extract; ``query`` is one. Default:
            all that have a tower, without auxiliary ones that have a ``store``.
        layout (str, optional): ``npy`` or ``pack``. Default: ``npy`` for data sets that
            read ``.npy`` files, else ``pack``.
        fps (float, optional): Clips per second, if not those of the config.
        image_fps (float, optional): Images per second of videos that are folders of
            images; default is one image per clip.

    Raises:
        ValueError: If ``names`` has an unknown stream, or one without a tower.
    """

    def __init__(
        self,
        spec: EncodingSpec,
        common: Mapping[str, Any],
        names: Sequence[str] | None = None,
        layout: str | None = None,
        fps: float | None = None,
        image_fps: float | None = None,
    ) -> None:
        self.spec, self.common = spec, common
        self.layout, self.fps, self.image_fps = layout, fps, image_fps
        self.streams = {stream.name: stream for stream in self._choose(names)}
        self.text_tower = spec.query and spec.query.tower
        if names and QUERY in names and self.text_tower is None:
            raise ValueError('the config has no text tower (encoding.query.tower)')
        self.queries = (names is None or QUERY in names) and bool(self.text_tower)

    def _choose(self, names: Sequence[str] | None) -> list[StreamSpec]:
        """Return the streams to extract, motion first."""
        streams, chosen = self.spec.streams, []
        for name in names or ():
            if name not in (*streams, QUERY):
                raise ValueError(
                    f'there is no stream {name!r}; encoding.streams has '
                    f'{", ".join([*streams, QUERY])}'
                )
        read = {stream.motion for stream in streams.values()}
        for stream in sorted(streams.values(), key=lambda one: one.name not in read):
            stored = stream.auxiliary and stream.store is not None
            if stored if names is None else stream.name not in names:
                continue
            if stream.tower is not None:
                chosen.append(stream)
                continue
            why = stream.why_no_tower or 'the config names no tower for it'
            if names is not None:
                raise ValueError(f'stream {stream.name}: {why}')
            _log(f'Stream {stream.name} is skipped: {why}')
        return chosen

    def of_videos(self, videos: Sequence[tuple[str, str]], out: str) -> list[Job]:
        """Return the jobs for a list of videos.

        Args:
            videos (Sequence[tuple]): (video_id, path).
            out (str): Store of the only stream, or folder of the stores of several.

        Raises:
            ValueError: If no stream has a tower, the clip rate is unknown, or the
                motion that a tower reads is nowhere.
        """
        if not self.streams:
            raise ValueError('nothing to extract: no stream of the config has a tower')
        several = len(self.streams) > 1
        places = {
            name: Place(osp.join(out, name) if several else out)
            for name in self.streams
        }
        jobs = []
        for name, stream in self.streams.items():
            fps = _number(self._fps(stream))
            store = _Store(name, places[name].folder, fps, self._motion(stream, places))
            items = [(video_id, path, fps, self.image_fps) for video_id, path in videos]
            jobs.append(self._job(store, items, self.layout or 'pack'))
        return jobs

    def of_queries(self, queries: Sequence[tuple[str, str]], out: str) -> list[Job]:
        """Return the job for a list of queries.

        Args:
            queries (Sequence[tuple]): (query_id, text).
            out (str): Folder of the store.
        """
        return [self._job(_Store(QUERY, out), queries, self.layout or 'pack')]

    def of_datasets(
        self, datasets: Sequence[dict], video_dir: str | None, out: str | None
    ) -> list[Job]:
        """Return the jobs that fill the feature folders of data sets.

        Published files, without a manifest, are left as they are if none is missing.

        Args:
            datasets (Sequence[dict]): Configs of data sets.
            video_dir (str, optional): Folder of the videos, if not ``data_prefix``.
            out (str, optional): Folder for the stores, if not ``data_prefix``.

        Raises:
            ValueError: If there is nothing to extract, no folder of videos, an unknown
                clip rate, or one file for two videos or queries.
        """
        stores: dict[_Store, dict[str, tuple[str, tuple]]] = defaultdict(dict)
        for config in datasets:
            dataset = DATASETS.build(dict(config, lazy_init=True, pipeline=[]))
            for store, name, path, item in self._collect(dataset, video_dir, out):
                _, known = stores[store].setdefault(name, (path, item))
                if known[0] != item[0]:
                    what = 'queries' if store.stream == QUERY else 'videos'
                    raise ValueError(
                        f'{dataset.ann_file}: {path} is the file of two {what}, '
                        f'{known[0]!r} and {item[0]!r}; give each its own id'
                    )
        if not stores:
            raise ValueError(
                f'nothing to extract: no data set of the config has a folder for '
                f'{", ".join(self.streams) or QUERY} features (data_prefix)'
            )
        order, jobs = [*self.streams, QUERY], []
        for store in sorted(stores, key=lambda store: order.index(store.stream)):
            paths = [path for path, _ in stores[store].values()]
            items = sorted((name, *item) for name, (_, item) in stores[store].items())
            if out is None and is_published(store.folder, paths):
                _log(f'{store.folder}: {len(items)} published files are kept')
                continue
            layout = self.layout
            if layout is None or out is None:
                layout = find_layout(layout, store.folder, paths)
            jobs.append(self._job(store, items, layout))
        return jobs

    def _collect(
        self, dataset: Any, video_dir: str | None, out: str | None
    ) -> Iterator[tuple[_Store, str, str, tuple]]:
        """Yield store, item name, feature file and content of all that is read."""
        samples, read = dataset.load_data_list(), feature_places(dataset, self.spec)
        wanted = [*self.streams, QUERY] if self.queries else [*self.streams]
        places = {
            name: place.moved(out) if name in wanted else place
            for name, place in read.items()
        }
        for name in filter(read.get, wanted):
            stream = self.streams.get(name)
            store = _Store(name, places[name].folder)
            if stream is not None:
                fps = self._fps(stream, dataset)
                store = store._replace(fps=fps, motion=self._motion(stream, places))
            for sample in samples:
                path = read[name].path(sample)
                item_name = osp.splitext(osp.relpath(path, read[name].folder))[0]
                if stream is None:
                    yield store, item_name, path, (sample['query'],)
                    continue
                video = video_path(dataset, sample, video_dir)
                fps = _number(stream.fps or sample.get('fps') or store.fps)
                yield store, item_name, path, (video, fps, self.image_fps)

    def _fps(self, stream: StreamSpec, dataset: Any = None) -> float | str | None:
        """Return the clip rate in the manifest of a stream."""
        own = getattr(dataset, 'fps', None)
        if own and self.fps and own != self.fps:
            raise ValueError(
                f'--fps {self.fps:g}: the data set {dataset.ann_file} has fps = {own}; '
                'change the config, or leave --fps out'
            )
        return stream.fps or own or self.fps or self.spec.fps

    def _motion(
        self, stream: StreamSpec, places: Mapping[str, Place]
    ) -> MotionStore | None:
        """Return the features that the hooks of a stream's tower read."""
        if stream.motion is None:
            return None
        read = self.spec.streams[stream.motion]
        place = places.get(read.name)
        if place is None and read.store is not None:
            place = Place(read.store, read.file_name)
        if place is None:
            raise ValueError(
                f'the tower of stream {stream.name} reads the features of stream '
                f'{read.name}: add {read.name} to --streams, or name their folder in '
                f'encoding.streams.{read.name}.store'
            )
        pattern = place.by_item_name(places[stream.name].pattern)
        return MotionStore(place.folder, pattern, resample=read.resample)

    def _job(self, store: _Store, items: Sequence[tuple], layout: str) -> Job:
        """Return the job that fills a store."""
        if store.stream == QUERY:
            settings = dict(self.common, text_tower=self.text_tower)
            return Job(QUERY, store.folder, items, settings, layout)
        stream = self.streams[store.stream]
        settings = dict(
            self.common,
            vision_tower=stream.tower,
            frame_size=stream.frame_size,
            sampling=stream.sampling,
            clip_frames=stream.clip_frames,
            clip_rate=stream.clip_rate,
            motion=store.motion and asdict(store.motion),
        )
        return Job('video', store.folder, items, settings, layout, store.fps)


def _number(fps: float | str | None) -> float:
    """Return a clip rate that is a number."""
    if not isinstance(fps, (int, float)):
        raise ValueError(f'the config has fps = {fps!r}: give --fps, clips per second')
    return fps


def _log(message: str) -> None:
    MMLogger.get_current_instance().info(message)
