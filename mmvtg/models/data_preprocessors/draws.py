"""Stack what has one length, pad what has not."""

from typing import Dict

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmvtg.registry import MODELS

from .grounding import pad_sequences

_RAGGED = ('token_ids',)


@MODELS.register_module()
class DrawsPreprocessor(BaseDataPreprocessor):
    """Batches draws of frames, and the texts that belong to videos.

    ``dict(inputs=dict(video=[(K, T, ...)], frame_gap=[(K,)], token_ids=[(L,)]))``
    becomes ``dict(inputs=dict(video (B, K, T, ...), frame_gap (B, K), token_ids (B, L),
    token_ids_mask (B, L)))``. Only ``token_ids`` may differ in length.
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        inputs: Dict[str, Tensor] = {}
        for name, rows in data['inputs'].items():
            if name in _RAGGED:
                inputs[name], inputs[f'{name}_mask'] = pad_sequences(list(rows))
            else:
                inputs[name] = torch.stack(list(rows))
        samples = data.get('data_samples')
        return self.cast_data(dict(inputs=inputs, data_samples=samples))
