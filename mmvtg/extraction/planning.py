"""Extraction jobs that the block ``encoding`` of a config stands for."""

import os.path as osp
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mmengine.logging import MMLogger

from mmvtg.datasets.array_files import split_address
from mmvtg.datasets.drawn_dataset import DrawnDataset
from mmvtg.datasets.encoding_spec import EncodingSpec, StreamSpec
from mmvtg.datasets.feature_pack import is_pack
from mmvtg.datasets.store_manifest import read_manifest
from mmvtg.registry import DATASETS

from .jobs import Job

QUERY = 'query'


class Place(NamedTuple):
    """Features of one stream: a folder and its file name pattern.

    Args:
        folder (str): The store.
        pattern (str): File name with ``{video_id}``.
    """

    folder: str
    pattern: str = '{video_id}.npy'


@dataclass
class _Found:
    """Items of one store: name -> what the extractor needs, and -> feature file."""

    items: dict[str, tuple] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def add(self, folder: str, address: str, item: tuple) -> tuple:
        """Add an item by the path of its file; return the item of that name."""
        path = osp.relpath(split_address(address)[0], folder)
        name = osp.splitext(path)[0]
        self.addresses[name] = address
        return self.items.setdefault(name, item)


class JobPlanner:
    """Turns videos, queries and data sets into jobs, one per stream and folder.

    Streams that the hooks of other towers read as ``motion`` come first.

    Args:
        spec (EncodingSpec): The config's block.
        common (Mapping): Arguments of :class:`FeatureExtractor` for all jobs.
        names (Sequence[str], optional): Streams to extract; ``query`` is one. Default:
            all that have a tower, without auxiliary ones that have a ``store``.
        layout (str, optional): ``npy`` or ``pack``.
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
        self.streams = self._choose(names)
        self.queries = names is None or QUERY in names

    def _choose(self, names: Sequence[str] | None) -> list[StreamSpec]:
        streams = self.spec.streams
        known = [*streams, QUERY]
        for name in names or ():
            if name not in known:
                raise ValueError(
                    f'there is no stream {name!r}; encoding.streams has '
                    f'{", ".join(known)}'
                )
            if name != QUERY and streams[name].tower is None:
                raise ValueError(f'stream {name}: {_why(streams[name])}')
        read = {stream.motion for stream in streams.values()}
        chosen = []
        for name in sorted(streams, key=lambda name: name not in read):
            stream = streams[name]
            stored = stream.auxiliary and stream.store is not None
            if names is None and stream.tower is None:
                _say(f'stream {name} is left out: {_why(stream)}')
            elif name in names if names is not None else not stored:
                chosen.append(stream)
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
            one.name: Place(osp.join(out, one.name) if several else out)
            for one in self.streams
        }
        jobs = []
        for stream in self.streams:
            fps = stream.fps or self.fps or self.spec.fps
            if not isinstance(fps, (int, float)):
                raise ValueError(
                    f'the config has fps = {fps!r}: give --fps, clips per second'
                )
            items = [(name, path, fps, self.image_fps) for name, path in videos]
            settings = self._settings(stream, places)
            layout = self.layout or 'pack'
            job = Job('video', places[stream.name].folder, items, settings, layout, fps)
            jobs.append(job)
        return jobs

    def of_queries(self, queries: Sequence[tuple[str, str]], out: str) -> list[Job]:
        """Return the job for a list of queries.

        Args:
            queries (Sequence[tuple]): (query_id, text).
            out (str): The store.

        Raises:
            ValueError: If the config has no text tower.
        """
        return [Job(QUERY, out, queries, self._text(), self.layout or 'pack')]

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
                clip rate, or a name with two queries.
        """
        videos: dict[tuple, _Found] = defaultdict(_Found)
        texts: dict[str, _Found] = defaultdict(_Found)
        places: dict[str, Place] = {}
        for config in datasets:
            dataset = DATASETS.build(dict(config, lazy_init=True, pipeline=[]))
            samples = dataset.load_data_list()
            own = self._places(dataset)
            places.update(own)
            for stream in self.streams:
                if stream.name in own:
                    self._collect(
                        stream, own[stream.name], dataset, samples, video_dir, videos
                    )
            if self.queries and self.spec.query and self.spec.query.tower:
                _collect_queries(dataset, samples, texts)
        if not videos and not texts:
            named = ', '.join(stream.name for stream in self.streams) or QUERY
            raise ValueError(
                f'nothing to extract: no data set of the config has a folder for '
                f'{named} features (data_prefix)'
            )
        moved = {
            name: Place(_move(place.folder, out), place.pattern)
            for name, place in places.items()
            if any(stream.name == name for stream in self.streams)
        }
        jobs = []
        for stream in self.streams:
            for (name, folder, fps), found in videos.items():
                if name == stream.name:
                    settings = self._settings(stream, {**places, **moved})
                    items = [(n, *item) for n, item in sorted(found.items.items())]
                    jobs += self._job('video', found, folder, out, items, settings, fps)
        for folder, found in texts.items():
            items = sorted((name, *text) for name, text in found.items.items())
            jobs += self._job(QUERY, found, folder, out, items, self._text(), None)
        return jobs

    def _places(self, dataset: Any) -> dict[str, Place]:
        """Return where a data set has the features of each stream."""
        prefixes, patterns = dataset.data_prefix, dataset.file_names
        if isinstance(dataset, DrawnDataset):
            folder, names = prefixes.get('feature'), list(self.spec.loaded)
            if not folder or len(names) > 1:
                return {}
            return {names[0]: Place(folder, patterns['feature'])}
        return {
            name: Place(prefixes[name], patterns.get(name, '{video_id}.npy'))
            for name in self.spec.streams
            if prefixes.get(name)
        }

    def _collect(
        self,
        stream: StreamSpec,
        place: Place,
        dataset: Any,
        samples: Sequence[dict],
        video_dir: str | None,
        found: dict[tuple, _Found],
    ) -> None:
        """Add the videos of a data set to those of one stream."""
        for sample in samples:
            if isinstance(dataset, DrawnDataset):
                address = sample['feature_path']
            else:
                address = osp.join(place.folder, place.pattern.format(**sample))
            nominal, fps = self._rates(stream, dataset, sample)
            store = found[stream.name, place.folder, nominal]
            path = _video_path(dataset, sample, video_dir)
            store.add(place.folder, address, (path, fps, self.image_fps))

    def _rates(
        self, stream: StreamSpec, dataset: Any, sample: dict
    ) -> tuple[float | str, float]:
        """Return the clip rate for the manifest, and that of a video."""
        own = getattr(dataset, 'fps', None)
        if own and self.fps and own != self.fps:
            raise ValueError(
                f'--fps {self.fps:g}: the data set {dataset.ann_file} has fps = {own}; '
                'change the config, or leave --fps out'
            )
        nominal = stream.fps or own or self.fps or self.spec.fps
        fps = stream.fps or sample.get('fps') or nominal
        if not isinstance(fps, (int, float)):
            raise ValueError(
                f'{dataset.ann_file}: the config has fps = {fps!r}: give --fps, clips '
                'per second'
            )
        return nominal, fps

    def _job(
        self,
        kind: str,
        found: _Found,
        folder: str,
        out: str | None,
        items: list[tuple],
        settings: dict,
        fps: float | str | None,
    ) -> list[Job]:
        """Return the job of one folder, none if all of its files are published."""
        store = _move(folder, out)
        addresses = found.addresses.values()
        if out is None and _is_published(store, list(addresses)):
            _say(f'{store}: {len(items)} published files are left as they are')
            return []
        layout = self.layout
        npy = all(split_address(one)[0].endswith('.npy') for one in addresses)
        if layout is None:
            # a pack answers to file names with any suffix
            layout = 'npy' if npy and not is_pack(store) else 'pack'
        elif layout == 'npy' and not npy and out is None:
            raise ValueError(
                f'the data set reads {osp.basename(next(iter(addresses)))} in {store}, '
                'and --layout npy writes .npy files: use --layout pack, or change '
                'file_names of the data set'
            )
        return [Job(kind, store, items, settings, layout, fps)]

    def _settings(
        self, stream: StreamSpec, places: Mapping[str, Place]
    ) -> dict[str, Any]:
        """Return the arguments of :class:`FeatureExtractor` for one stream."""
        return dict(
            self.common,
            vision_tower=stream.tower,
            frame_size=stream.frame_size,
            sampling=stream.sampling,
            clip_frames=stream.clip_frames,
            clip_rate=stream.clip_rate,
            motion=self._motion(stream, places),
        )

    def _motion(
        self, stream: StreamSpec, places: Mapping[str, Place]
    ) -> dict[str, Any] | None:
        """Return the arguments of :class:`MotionStore` that a tower's hooks need."""
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
        own = places.get(stream.name, Place(''))
        pattern = _same_item(place.pattern, own.pattern)
        return dict(folder=place.folder, file_name=pattern, resample=read.resample)

    def _text(self) -> dict[str, Any]:
        query = self.spec.query
        if query is None or query.tower is None:
            raise ValueError('the config has no text tower (encoding.query.tower)')
        return dict(self.common, text_tower=query.tower)


def _collect_queries(
    dataset: Any, samples: Sequence[dict], found: dict[str, _Found]
) -> None:
    """Add the queries of a data set that has a folder for their features.

    Raises:
        ValueError: If two queries have one file.
    """
    folder = dataset.data_prefix.get(QUERY)
    for sample in samples if folder else ():
        address = osp.join(folder, dataset.file_names[QUERY].format(**sample))
        (text,) = found[folder].add(folder, address, (sample['query'],))
        if text != sample['query']:
            raise ValueError(
                f'{dataset.ann_file}: {address} is the file of two queries, {text!r} '
                f'and {sample["query"]!r}; give each its own query_id'
            )


def _video_path(dataset: Any, sample: dict, video_dir: str | None) -> str:
    """Return the video file of a sample."""
    prefix = 'video' if isinstance(dataset, DrawnDataset) else 'raw'
    folder, path = dataset.data_prefix.get(prefix), sample.get('video_path')
    name = f'{sample["video_id"]}.mp4'
    if folder:
        if path is None:
            pattern = dataset.file_names.get(prefix, '{video_id}.mp4')
            path = osp.join(folder, pattern.format(**sample))
        name = osp.relpath(path, folder)
    if video_dir is not None:
        return osp.join(video_dir, name)
    if path is None:
        raise ValueError(
            f'{dataset.ann_file}: no folder of videos; set data_prefix.{prefix} of the '
            'data set, or --video-dir'
        )
    return path


def _is_published(folder: str, addresses: Sequence[str]) -> bool:
    """Return True if a folder without a manifest holds all files already.

    Raises:
        ValueError: If such a folder holds some of them: others would be of another
            recipe.
    """
    if read_manifest(folder) is not None:
        return False
    paths = [split_address(address)[0] for address in addresses]
    present = sum(map(osp.isfile, paths))
    if present and present < len(paths):
        raise ValueError(
            f'{folder} has {present} of {len(paths)} feature files and no manifest, so '
            'they may be of another model. Point data_prefix at another folder, or '
            'move the files away'
        )
    return present > 0


def _same_item(pattern: str, own: str) -> str:
    """Return a file name pattern in terms of the item names of another stream.

    Args:
        pattern (str): Files of the stream that is read.
        own (str): Files of the stream whose items are extracted.

    Raises:
        ValueError: If neither names its files by ``{video_id}``.
    """
    path, _, key = pattern.partition('::')
    stem, suffix = osp.splitext(path)
    stem_own = osp.splitext(own.partition('::')[0])[0]
    if stem_own != '{video_id}':
        if stem != stem_own:
            raise ValueError(
                f'files {own} and {pattern} of one video have different names: give '
                'both streams the same pattern in file_names'
            )
        stem = '{video_id}'
    return f'{stem}{suffix}' + (f'::{key}' if key else '')


def _move(folder: str, out: str | None) -> str:
    return folder if out is None else osp.join(out, osp.basename(folder))


def _why(stream: StreamSpec) -> str:
    return stream.why_no_tower or 'the config names no tower for it'


def _say(message: str) -> None:
    MMLogger.get_current_instance().info(message)
