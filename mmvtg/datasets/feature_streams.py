"""The kinds of stored features that a data set joins, and what is expected of each."""

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from .feature_store import QUERY_AXES, VIDEO_AXES, check_file, check_manifest
from .store_manifest import complete_manifest, read_manifest

QUERY = 'query'


@dataclass(frozen=True)
class FeatureStream:
    """One kind of features, such as SlowFast's.

    Args:
        name (str): Key in the data set's ``data_prefix`` and ``file_names``.
        folder (str): Where its files lie.
        row_shape (Sequence, optional): Expected shape of a clip or token, ``(2304,)``,
            or ``(4, None, 768)`` for four layers of any number of patches.
        manifest (dict, optional): What the store's manifest must say where it says
            something: ``model``, ``layers``, ``weights_sha256``, ...
        resample (bool): The stream has a rate of its own and is stretched to the
            length of the others. Otherwise it must have one row a clip.
    """

    name: str
    folder: str
    row_shape: Optional[Sequence] = None
    manifest: Optional[Mapping[str, Any]] = None
    resample: bool = False

    @property
    def path_key(self) -> str:
        """Where a sample keeps the address of its file."""
        return f'{self.name}_feature_path'

    def check_store(self, fps: Union[float, str]) -> None:
        """Refuse a store whose manifest does not fit the config.

        Raises:
            BadSampleError: Both values are in the message.
        """
        expected = dict(self.manifest or {})
        if self.row_shape is not None:
            expected.setdefault('row_shape', self.row_shape)
        own_rate = self.resample or self.name == QUERY
        check_manifest(self.folder, 'auto' if own_rate else fps, expected)

    def check_file(self, address: str) -> Tuple[Optional[str], int]:
        """(problem, number of clips or tokens) from the header of a file."""
        axes = QUERY_AXES if self.name == QUERY else VIDEO_AXES
        return check_file(address, axes, self.row_shape)


def check_streams(
    streams: Sequence[FeatureStream], fps: Union[float, str]
) -> Dict[str, Dict[str, Any]]:
    """Refuse stores whose manifests do not fit the config.

    Returns:
        dict: Stream -> manifest of its store, for the checkpoint of a model that is
        trained on it; stores without a manifest are left out.

    Raises:
        BadSampleError: If a store does not fit; both values are in the message.
    """
    found = {}
    for stream in streams:
        stream.check_store(fps)
        manifest = read_manifest(stream.folder)
        if manifest is not None:
            found[stream.name] = complete_manifest(manifest)
    return found


def build_streams(
    data_prefix: Mapping[str, str],
    settings: Optional[Mapping[str, dict]],
    decoded: bool = False,
) -> List[FeatureStream]:
    """The streams of a data set, in the order in which they are joined.

    Args:
        data_prefix (dict): Stream name -> folder; those absent are not used.
        settings (dict, optional): Stream name -> arguments of :class:`FeatureStream`;
            None for a stream that a config inherits and does not use. Default: one
            stream, ``video``, and ``query``.
        decoded (bool): Frames are decoded and say how many clips there are.

    Raises:
        ValueError: A stream has no folder, or unknown settings, or none gives the
            number of clips.
    """
    settings = {'video': {}, QUERY: {}} if settings is None else settings
    streams: Dict[str, FeatureStream] = {}
    for name, fields in settings.items():
        if fields is None:
            continue
        if data_prefix.get(name):
            try:
                streams[name] = FeatureStream(name, data_prefix[name], **fields)
            except TypeError as error:
                raise ValueError(f'streams[{name!r}] = {fields!r}: {error}') from error
        elif name not in ('video', QUERY):
            raise ValueError(
                f'stream {name!r} has no folder: add it to data_prefix, which has '
                f'{sorted(data_prefix)}'
            )
    unread = set(data_prefix) - set(settings) - {'raw', 'video', QUERY}
    if not decoded and unread and not any(n != QUERY for n in streams):
        raise ValueError(
            f'data_prefix names features of {", ".join(sorted(unread))}, and no stream '
            'reads them: does the data set lack the `encoding` of its config? '
            '(mmvtg.utils.launch.load_config adds it)'
        )
    videos = [stream for name, stream in streams.items() if name != QUERY]
    if not decoded and videos and all(stream.resample for stream in videos):
        raise ValueError(
            f'every stream ({", ".join(s.name for s in videos)}) is to be resampled, '
            'and none is left that says how many clips there are'
        )
    return list(streams.values())
