"""Moments, queries, and what else the video shows: the data set of pretext tasks."""

from typing import Any, List, Tuple, Union

from mmvtg.registry import DATASETS

from .grounding_dataset import GroundingDataset


@DATASETS.register_module()
class MomentPairDataset(GroundingDataset):
    """One item a query with moments; its transforms draw what a model gets to see.

    An index may be a pair (index, draw), as :class:`DisjointSampler` makes it: the
    pipeline draws anew each time that ``draw`` differs. Each item starts from what
    :class:`GroundingDataset` gives, and ``draw``.

    ``data_prefix`` names folders of ``frames`` (stored by :class:`FrameTower`) or
    ``raw`` (encoded videos), and of ``motion`` (features of the same clips), which may
    be absent; ``streams`` says what is expected of the stored ones.

    Args:
        *args: Of :class:`GroundingDataset`.
        **kwargs: Likewise.
    """

    METAINFO = {'task': 'moment pairs'}
    DECODES = True
    READS_ENCODING = False  # it reads frames, and the streams that it names

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._draw = 0
        super().__init__(*args, **kwargs)

    def load_data_list(self) -> List[dict]:
        """As the base; queries without a moment teach nothing and are left out."""
        samples = super().load_data_list()
        kept = [sample for sample in samples if len(sample['moments'])]
        without = [s['where'] for s in samples if not len(s['moments'])]
        if without:
            self.left_out['query without a moment'] += without
        return kept

    def __getitem__(self, index: Union[int, Tuple[int, int]]) -> Any:
        index, self._draw = index if isinstance(index, tuple) else (index, 0)
        return super().__getitem__(index)

    def get_data_info(self, idx: int) -> dict:
        return dict(super().get_data_info(idx), draw=self._draw)
