"""Feature files that data sets read, and the videos they are extracted from."""

import os.path as osp
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mmvtg.datasets.array_files import split_address
from mmvtg.datasets.drawn_dataset import DrawnDataset
from mmvtg.datasets.encoding_spec import EncodingSpec
from mmvtg.datasets.feature_pack import is_pack
from mmvtg.datasets.feature_streams import QUERY
from mmvtg.datasets.store_manifest import read_manifest


class Place(NamedTuple):
    """Location of the features of one stream.

    Args:
        folder (str): Folder of the store.
        pattern (str): File name pattern with ``{video_id}``.
    """

    folder: str
    pattern: str = '{video_id}.npy'

    def path(self, sample: Mapping[str, Any]) -> str:
        """Return the file of a sample's features, without a key in that file."""
        # The file names of sampled data sets have other fields.
        own = sample.get('feature_path')
        address = own or osp.join(self.folder, self.pattern.format(**sample))
        return split_address(address)[0]

    def moved(self, out: str | None) -> 'Place':
        """Return the place of the same store in the folder ``out``, if given."""
        if out is None:
            return self
        return Place(osp.join(out, osp.basename(self.folder)), self.pattern)

    def by_item_name(self, item_pattern: str) -> str:
        """Return the pattern in terms of the item names of another stream.

        Args:
            item_pattern (str): File name pattern of the other stream.

        Raises:
            ValueError: If ``item_pattern`` names files differently.
        """
        stem = osp.splitext(split_address(item_pattern)[0])[0]
        if stem not in self.pattern:
            raise ValueError(
                f'files {item_pattern} and {self.pattern} of one video have different '
                'names: give both streams the same pattern in file_names'
            )
        return self.pattern.replace(stem, '{video_id}', 1)


def feature_places(dataset: Any, spec: EncodingSpec) -> dict[str, Place]:
    """Return the features that a data set reads: stream or ``query`` -> place."""
    prefixes = {name: name for name in (*spec.streams, QUERY)}
    if isinstance(dataset, DrawnDataset):
        loaded = list(spec.loaded)
        prefixes = {loaded[0]: 'feature'} if len(loaded) == 1 else {}
    folders, patterns = dataset.data_prefix, dataset.file_names
    return {
        name: Place(folders[prefix], patterns.get(prefix, '{video_id}.npy'))
        for name, prefix in prefixes.items()
        if folders.get(prefix)
    }


def video_path(dataset: Any, sample: Mapping[str, Any], video_dir: str | None) -> str:
    """Return the video file of a sample.

    Args:
        dataset (BaseDataset): Data set of the sample.
        sample (Mapping): Sample.
        video_dir (str | None): Folder of the videos, if not the one in ``data_prefix``.

    Raises:
        ValueError: If neither ``data_prefix`` nor ``video_dir`` names a folder.
    """
    drawn = isinstance(dataset, DrawnDataset)
    prefix = 'video' if drawn else 'raw'
    folder = dataset.data_prefix.get(prefix)
    if not (folder or video_dir):
        raise ValueError(
            f'{dataset.ann_file}: no folder of videos; set data_prefix.{prefix} of the '
            'data set, or --video-dir'
        )
    if drawn and folder:
        name = osp.relpath(sample['video_path'], folder)
    else:
        pattern = '{video_id}.mp4' if drawn else dataset.file_names.get(prefix)
        name = (pattern or '{video_id}.mp4').format(**sample)
    return osp.join(video_dir or folder, name)


def is_published(folder: str, paths: Iterable[str]) -> bool:
    """Return True if a folder without a manifest holds all files already.

    Args:
        folder (str): Folder of features.
        paths (Iterable[str]): Files that a data set reads there.

    Raises:
        ValueError: If such a folder holds only some of the files.
    """
    if read_manifest(folder) is not None:
        return False
    present = [osp.isfile(path) for path in paths]
    if any(present) and not all(present):
        raise ValueError(
            f'{folder} has {sum(present)} of {len(present)} feature files and no '
            'manifest, so they may be of another model. Point data_prefix at another '
            'folder, or move the files away'
        )
    return any(present)


def find_layout(layout: str | None, folder: str, paths: Iterable[str]) -> str:
    """Return the layout in which a data set finds its features.

    Args:
        layout (str | None): ``npy`` or ``pack``, if the user chose one.
        folder (str): Folder of the store.
        paths (Iterable[str]): Files that the data set reads in the store.

    Raises:
        ValueError: If ``layout`` is ``npy``, and the data set reads other files.
    """
    other = [osp.basename(path) for path in paths if not path.endswith('.npy')]
    if layout == 'npy' and other:
        raise ValueError(
            f'the data set reads {other[0]} in {folder}, and --layout npy writes .npy '
            'files: use --layout pack, or change file_names of the data set'
        )
    # Items of a pack are found by file names with any suffix.
    return layout or ('pack' if other or is_pack(folder) else 'npy')
