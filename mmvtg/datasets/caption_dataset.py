"""Videos and texts about them: the data set of retrieval."""

import os.path as osp
from typing import Any, List, Optional, Tuple

from mmengine.logging import MMLogger

from mmvtg.registry import DATASETS

from .caption_lists import join_captions, read_captions, read_video_list
from .drawn_dataset import DrawnDataset, file_fields
from .errors import AnnotationError


@DATASETS.register_module()
class CaptionDataset(DrawnDataset):
    """Pairs of a video and a text.

    Each item of the pipeline starts from ``video_id``, ``query_id`` (int), ``query``
    (the text), ``draw``, ``fps`` and, for the prefixes that are given,
    ``feature_path`` and ``video_path``.

    Args:
        ann_file (str): See :func:`read_captions`.
        layout (str): ``jsonl``, ``csv``, ``msrvtt``, ``lsmdc`` or ``didemo``.
        columns (tuple): See :func:`read_captions`.
        video_list (str, optional): File under ``data_root`` that names the videos to
            use, see :func:`read_video_list`.
        join (bool): One text a video, all its captions in a row.
        **kwargs: Of :class:`DrawnDataset`.
    """

    METAINFO = {'task': 'retrieval'}
    FILE_NAMES = {'feature': '{stem}.npy', 'video': '{stem}.mp4'}

    def __init__(
        self,
        ann_file: str,
        layout: str = 'jsonl',
        columns: Tuple[str, str] = ('video_id', 'sentence'),
        video_list: Optional[str] = None,
        join: bool = False,
        **kwargs: Any,
    ) -> None:
        self.layout = layout
        self.columns = columns
        root = kwargs.get('data_root') or ''
        self.video_list = video_list and osp.join(root, video_list)
        self.join = join
        super().__init__(ann_file=ann_file, **kwargs)

    def load_data_list(self) -> List[dict]:
        """Read the pairs and keep the listed videos."""
        pairs = read_captions(self.ann_file, self.layout, self.columns)
        if self.video_list is not None:
            wanted = set(read_video_list(self.video_list))
            found = {pair['path'] for pair in pairs}
            pairs = [pair for pair in pairs if pair['path'] in wanted]
            if wanted - found:
                raise AnnotationError(
                    f'{self.video_list}: names {len(wanted - found)} videos without a '
                    f'caption in {self.ann_file}, such as {sorted(wanted - found)[0]!r}'
                )
        if self.join:
            pairs = join_captions(pairs)
        MMLogger.get_current_instance().info(f'{self.ann_file}: {len(pairs)} captions')
        return [self._sample(index, pair) for index, pair in enumerate(pairs)]

    def _sample(self, index: int, pair: dict) -> dict:
        sample = dict(video_id=pair['path'], query_id=index, query=pair['caption'])
        return self.locate(sample, file_fields(pair['path']))
