"""Pad what differs in length, and remember what is real."""

from typing import Dict, List, Sequence, Tuple

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmvtg.registry import MODELS


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
    ``dict(inputs=dict(video (B, T, ...), video_mask (B, T), query (B, L, ...),
    query_mask (B, L)), data_samples=[...])``. Types stay as they are: stored features
    float16, frames uint8, token ids int64.
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        inputs: Dict[str, Tensor] = {}
        for name in ('video', 'query'):
            sequences: List[Tensor] = list(data['inputs'][name])
            padded, mask = pad_sequences(sequences)
            inputs[name] = padded
            inputs[f'{name}_mask'] = mask
        data = dict(inputs=inputs, data_samples=data.get('data_samples'))
        return self.cast_data(data)
