"""Pad what differs in length, and remember what is real."""

from typing import Dict, List, Optional, Sequence, Tuple

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmvtg.registry import MODELS
from mmvtg.structures import GroundingDataSample


# mmengine prepares data under the autocast of training; a CPU's knows no float16
@torch.autocast('cpu', enabled=False)
def pad_sequences(sequences: Sequence[Tensor]) -> Tuple[Tensor, Tensor]:
    """Stack tensors of different length along their first axis, zeros at the end.

    Args:
        sequences (list[Tensor]): Each (N_i, ...), equal beyond the first axis.

    Returns:
        tuple[Tensor, Tensor]: (B, max N_i, ...), and the mask (B, max N_i) bool with
        True for what is real.
    """
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    mask = torch.arange(int(lengths.max()))[None] < lengths[:, None]
    if mask.all():
        return torch.stack(list(sequences)), mask
    first = sequences[0]
    padded = first.new_zeros(mask.shape + first.shape[1:])
    for row, sequence in zip(padded, sequences):
        row[: len(sequence)] = sequence
    return padded, mask


@MODELS.register_module()
class GroundingDataPreprocessor(BaseDataPreprocessor):
    """Pads videos and queries of a batch and moves them to the device.

    ``dict(inputs=dict(video=[...], query=[...]), data_samples=[...])`` becomes
    ``dict(inputs=dict(video (V, T, ...), video_mask (V, T), query (B, L, ...),
    query_mask (B, L)), data_samples=[...])``. Types stay as they are: stored features
    float16, frames uint8, token ids int64.

    Queries of the same video share its row: V is then smaller than B, and
    ``video_owners`` (B,) int64 is added. Else V is B. ``motion=[(T, C), ...]``, where
    the pipeline packs it, becomes ``motion`` (V, T, C) of the same rows.

    Raises:
        ValueError: If motion is not as long as its video.
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        samples = data.get('data_samples')
        videos, owners = share_videos(list(data['inputs']['video']), samples)
        inputs: Dict[str, Tensor] = {}
        for name, rows in (('video', videos), ('query', data['inputs']['query'])):
            inputs[name], inputs[f'{name}_mask'] = pad_sequences(list(rows))
        if len(videos) < len(owners):
            inputs['video_owners'] = torch.tensor(owners)
        if 'motion' in data['inputs']:
            places = [owners.index(row) for row in range(len(videos))]
            motion = [data['inputs']['motion'][place] for place in places]
            check_lengths(videos, motion)
            inputs['motion'] = pad_sequences(motion)[0]
        return self.cast_data(dict(inputs=inputs, data_samples=samples))


def check_lengths(videos: Sequence[Tensor], motion: Sequence[Tensor]) -> None:
    """Refuse motion (T', C) of another length than its video (T, ...)."""
    if [len(rows) for rows in videos] != [len(rows) for rows in motion]:
        raise ValueError(
            f'videos of {[len(rows) for rows in videos]} clips come with motion of '
            f'{[len(rows) for rows in motion]}: each clip needs one vector; were both '
            'made at the fps of the data set?'
        )


def share_videos(
    videos: Sequence[Tensor], samples: Optional[Sequence[GroundingDataSample]]
) -> Tuple[List[Tensor], List[int]]:
    """Find what of a batch is the same video.

    Samples share a video if they name the same ``video_id`` and hold equal tensors
    (transforms may have cut one video in two ways).

    Args:
        videos (list[Tensor]): Of each sample, (T, ...).
        samples (list[GroundingDataSample], optional): Without them nothing is shared.

    Returns:
        tuple[list[Tensor], list[int]]: Videos that differ, and the place among them of
        each sample's.
    """
    kept: List[Tensor] = []
    owners: List[int] = []
    known: Dict[Optional[str], int] = {}
    for place, video in enumerate(videos):
        name = samples[place].metainfo.get('video_id') if samples else None
        owner = known.get(name)
        if owner is None or not torch.equal(kept[owner], video):
            owner = len(kept)
            kept.append(video)
            if name is not None:
                known[name] = owner
        owners.append(owner)
    return kept, owners
