"""What data sets of short videos share: files of videos, and draws of frames."""

import os.path as osp
from typing import Any, Dict, List, Optional, Tuple, Union

from .skipping import SkippingDataset


class DrawnDataset(SkippingDataset):
    """Base of data sets whose pipelines draw frames of a video.

    An index may be a pair (index, draw), as :class:`DrawSampler` makes it: the pipeline
    draws others each time that ``draw`` differs.

    Args:
        ann_file (str): Annotation file.
        data_prefix (dict): Folders under ``data_root``: ``feature`` of stored frame
            features, ``video`` of encoded videos. Those absent are not used.
        file_names (dict, optional): File name patterns for the same keys; see the
            subclass for the fields that they may name.
        fps (float, optional): Frames per second of stored features, to find windows.
        **kwargs: Of mmengine's BaseDataset.
    """

    FILE_NAMES: Dict[str, str] = {}

    def __init__(
        self,
        ann_file: str,
        data_prefix: Optional[dict] = None,
        file_names: Optional[dict] = None,
        fps: Optional[float] = None,
        **kwargs: Any,
    ) -> None:
        self.file_names = {**self.FILE_NAMES, **(file_names or {})}
        self.fps = fps
        self._draw = 0
        super().__init__(ann_file=ann_file, data_prefix=data_prefix or {}, **kwargs)

    def locate(self, sample: dict, fields: Dict[str, Any]) -> dict:
        """Add ``feature_path``, ``video_path`` and ``fps`` to a sample."""
        for prefix in ('feature', 'video'):
            folder = self.data_prefix.get(prefix)
            if folder is not None:
                name = self.file_names[prefix].format(**fields)
                sample[f'{prefix}_path'] = osp.join(folder, name)
        sample['fps'] = self.fps
        return sample

    def __getitem__(self, index: Union[int, Tuple[int, int]]) -> Any:
        index, self._draw = index if isinstance(index, tuple) else (index, 0)
        return super().__getitem__(index)

    def get_data_info(self, idx: int) -> dict:
        """mmengine's, with the ``draw`` that the index named."""
        return {**super().get_data_info(idx), 'draw': self._draw}


def file_fields(path: str) -> Dict[str, str]:
    """What file name patterns may say of a listed video.

    Returns:
        dict: ``path`` as listed, ``stem`` without suffix, ``name`` the stem's last
        part, ``folder`` the one before it, ``folder_`` the same with underscores for
        blanks.
    """
    stem, suffix = osp.splitext(path)
    # a video's name may hold dots; suffixes are short and have letters
    if not suffix[1:].isalnum() or len(suffix) > 5 or suffix[1:].isdigit():
        stem = path
    folder = osp.basename(osp.dirname(path))
    return dict(
        path=path,
        stem=stem,
        name=osp.basename(stem),
        folder=folder,
        folder_=folder.replace(' ', '_'),
    )


def first_lines(lines: List[str], count: int = 3) -> str:
    """The first of many names, for messages."""
    more = f' and {len(lines) - count} more' if len(lines) > count else ''
    return ', '.join(lines[:count]) + more
