"""The block ``encoding`` of a config: features of videos and queries.

Data sets of stored features, feature extraction and inferencers read this block::

    encoding = dict(
        fps=0.5,                      # clips per second
        window=150.0,                 # longest input of the model, s
        streams=dict(                 # kinds of video features, in joining order
            slowfast=dict(
                tower=dict(type='SlowFastTower', ...),
                frame_size=224, sampling='dense',
                row_shape=(2304,), normalize=True,
            ),
            clip=dict(...),
        ),
        temporal_endpoints=True,      # start and end of each clip are appended
        query=dict(tower=dict(...), row_shape=(512,), normalize=True, max_words=32),
    )
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from mmvtg.part_arguments import ConfigError, nearest
from mmvtg.registry import MODELS, resolve
from mmvtg.video.clips import FrameSource


@dataclass(frozen=True)
class StreamSpec:
    """One kind of video features.

    Args:
        name (str): Key in ``streams``, and in the data set's ``data_prefix``.
        tower (Mapping, optional): Config of the tower that makes the features. Default:
            the features are only read from a store, and no raw video can be encoded.
        frame_size (int): Height and width of frames, pixels.
        sampling (str): Frames that make a clip, see :class:`FrameSource`.
        clip_frames (int, optional): See :class:`FrameSource`.
        clip_rate (float, optional): See :class:`FrameSource`.
        fps (float, optional): Clips per second, if the stream has a rate of its own;
            needs ``resample``.
        row_shape (tuple, optional): Expected shape of a clip, ``(2304,)``, or ``(4,
            None, 768)`` for four layers of any number of patches.
        manifest (Mapping, optional): Expected values of further fields of a store's
            manifest; fields that the manifest lacks are not compared.
        normalize (bool | str): Divide rows by their L2 norm. Streams with the same
            string share a norm, as if they were joined before.
        resample (bool): Stretch the stream to the length of the others.
        separate (bool): Keep the stream apart, as ``{name}_features`` (T, C).
        num_layers (int, optional): Number of last stored layers that are read, of this
            stream and of the query. Default: all.
        class_token (bool): Read only the first token of each frame.
        motion (str, optional): Stream whose rows the tower's hooks read as ``motion``.
        auxiliary (bool): Only towers of other streams read this one, not the model.
        store (str, optional): Folder of the stored features of an auxiliary stream, for
            feature extraction.
        file_name (str): File name pattern in ``store``, with ``{video_id}``.
        why_no_tower (str, optional): What to do about a stream without a tower.
    """

    name: str
    tower: Mapping[str, Any] | None = None
    frame_size: int = 224
    sampling: str = 'start'
    clip_frames: int | None = None
    clip_rate: float | None = None
    fps: float | None = None
    row_shape: tuple | None = None
    manifest: Mapping[str, Any] | None = None
    normalize: bool | str = False
    resample: bool = False
    separate: bool = False
    num_layers: int | None = None
    class_token: bool = False
    motion: str | None = None
    auxiliary: bool = False
    store: str | None = None
    file_name: str = '{video_id}.npy'
    why_no_tower: str | None = None

    def source(self, fps: float | None) -> FrameSource:
        """Return the recipe that turns videos into clips of this stream.

        Args:
            fps (float | None): Clips per second, unless the stream has its own.
        """
        return FrameSource(
            self.frame_size,
            self.fps or fps,
            self.sampling,
            self.clip_frames,
            self.clip_rate,
        )

    def expected_manifest(self) -> dict[str, Any]:
        """Return the expected fields of the manifest of this stream's store."""
        expected: dict[str, Any] = {}
        if self.tower is not None:
            expected.update(self.source(None).describe())
            expected['hooks'] = learned_hooks(self.tower)
            if 'model' in self.tower:
                expected['model'] = self.tower['model']
        return {**expected, **(self.manifest or {})}


@dataclass(frozen=True)
class QuerySpec:
    """Features of queries.

    Args:
        tower (Mapping, optional): Config of the text tower that makes them.
        row_shape (tuple, optional): Expected shape of a token.
        manifest (Mapping, optional): See :class:`StreamSpec`.
        normalize (bool): Divide rows by their L2 norm.
        max_words (int, optional): Number of first tokens that are read. Default: all.
    """

    tower: Mapping[str, Any] | None = None
    row_shape: tuple | None = None
    manifest: Mapping[str, Any] | None = None
    normalize: bool = False
    max_words: int | None = None

    def expected_manifest(self) -> dict[str, Any]:
        """Return the expected fields of the manifest of the store of queries."""
        expected: dict[str, Any] = {}
        if self.tower is not None and 'model' in self.tower:
            expected['model'] = self.tower['model']
        return {**expected, **(self.manifest or {})}


@dataclass(frozen=True)
class EncodingSpec:
    """The whole block.

    Args:
        streams (Mapping[str, StreamSpec]): Kinds of video features, in the order in
            which they are joined.
        query (QuerySpec | None): Stored or encoded queries; None for a model that reads
            tokens with a text tower of its own.
        fps (float | str | None): Clips per second, or ``'auto'``.
        window (float | None): Longest input of the model, seconds.
        temporal_endpoints (bool): Append start and end of each clip, as fractions of
            the video, to its channels.
    """

    streams: Mapping[str, StreamSpec]
    query: QuerySpec | None = field(default_factory=QuerySpec)
    fps: float | str | None = None
    window: float | None = None
    temporal_endpoints: bool = False

    @property
    def loaded(self) -> dict[str, StreamSpec]:
        """Streams that the model itself reads."""
        return {n: stream for n, stream in self.streams.items() if not stream.auxiliary}

    def loader(self) -> dict[str, Any]:
        """Return the arguments of :class:`LoadStoredFeatures` for these streams.

        Raises:
            ValueError: If streams differ in ``num_layers`` or ``class_token``.
        """
        streams, query = self.loaded.values(), self.query
        grouped: dict[tuple, list[str]] = {}
        for stream in streams:
            if stream.normalize:
                shared = isinstance(stream.normalize, str)
                key = (shared, stream.normalize if shared else stream.name)
                grouped.setdefault(key, []).append(stream.name)
        groups: list = [
            names[0] if len(names) == 1 else tuple(names) for names in grouped.values()
        ]
        joined = [stream for stream in streams if not stream.separate]
        slices = {(one.num_layers, one.class_token) for one in joined}
        if len(slices) > 1:
            raise ValueError(
                'encoding.streams: all joined streams need the same num_layers and '
                f'class_token, got {sorted(map(str, slices))}'
            )
        num_layers, class_token = next(iter(slices), (None, False))
        return dict(
            normalize=groups + (['query'] if query and query.normalize else []),
            temporal_endpoints=self.temporal_endpoints,
            max_words=query.max_words if query else None,
            num_layers=num_layers,
            class_token=class_token,
            apart=[stream.name for stream in streams if stream.separate],
        )

    def stream_settings(self) -> dict[str, dict]:
        """Return the arguments of :class:`FeatureStream` for stored features."""
        settings = {
            name: dict(
                row_shape=stream.row_shape,
                manifest=stream.expected_manifest(),
                resample=stream.resample,
            )
            for name, stream in self.loaded.items()
        }
        if self.query is not None:
            settings['query'] = dict(
                row_shape=self.query.row_shape, manifest=self.query.expected_manifest()
            )
        return settings


def parse_encoding(block: Mapping[str, Any] | EncodingSpec) -> EncodingSpec:
    """Check the block ``encoding`` of a config and return it as a spec.

    Raises:
        ValueError: If a field is unknown, no dict, or names no stream.
    """
    if isinstance(block, EncodingSpec):
        return block
    values = dict(block)
    _check_fields('encoding', values, EncodingSpec)
    streams = {
        name: _build(StreamSpec, f'encoding.streams.{name}', given, name=name)
        for name, given in dict(values.pop('streams', None) or {}).items()
        if given is not None
    }
    for stream in streams.values():
        if stream.motion is not None and stream.motion not in streams:
            raise ValueError(
                f'encoding.streams.{stream.name}.motion is {stream.motion!r}, and '
                f'there are only the streams {sorted(streams)}'
            )
    query = values.pop('query', {})
    parsed = None if query is None else _build(QuerySpec, 'encoding.query', query)
    return EncodingSpec(streams=streams, query=parsed, **values)


def encoding_of(cfg: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the block ``encoding`` of a whole config, or None.

    Clip rate and window depend on the data set, so a config may have them as its own
    fields ``fps`` and ``window``, besides the block of its features.
    """
    block = cfg.get('encoding')
    if block is None:
        return None
    given = {key: cfg[key] for key in ('fps', 'window') if cfg.get(key) is not None}
    return {**given, **block}


def learned_hooks(tower: Mapping[str, Any]) -> list[str]:
    """Return the types of a tower's hooks, without those that only store layers."""
    types = [hook['type'] for hook in tower.get('hooks') or ()]
    kinds = [resolve(kind, MODELS) for kind in types]
    return [
        getattr(kind, '__name__', str(name))
        for name, kind in zip(types, kinds)
        if not getattr(kind, 'only_taps', False)
    ]


def _build(kind: type, where: str, given: Any, **more: Any) -> Any:
    if not isinstance(given, Mapping):
        raise ValueError(f'{where} must be a dict, got {given!r}')
    _check_fields(where, given, kind)
    row_shape = given.get('row_shape')
    values = {**given, **more}
    if row_shape is not None:
        values['row_shape'] = tuple(row_shape)
    return kind(**values)


def _check_fields(where: str, given: Mapping[str, Any], kind: type) -> None:
    known = [one.name for one in fields(kind)]
    for name in given:
        if name not in known:
            raise ConfigError(f'{where} has no field {name!r}{nearest(name, known)}')
