"""Pad the moments of a batch."""

from typing import Dict

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmvtg.registry import MODELS

from .grounding import pad_sequences

_MOMENTS = ('positive', 'intra')


@MODELS.register_module()
class MomentPreprocessor(BaseDataPreprocessor):
    """Batches moments and the queries that speak of them.

    ``dict(inputs=dict(positive=[(T, 3, H, W)], positive_motion=[(T, V)], intra=...,
    intra_motion=..., token_ids=[(L,)]))`` becomes ``dict(inputs=dict(positive (B, T, 3,
    H, W), positive_mask (B, T), positive_motion (B, T, V), ..., token_ids (B, L),
    token_ids_mask (B, L)))``. A moment without frames is a row of padding; motion may
    be left out. Frames stay uint8; the tower normalises them.
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        inputs: Dict[str, Tensor] = {}
        for name, rows in data['inputs'].items():
            padded, mask = pad_sequences([torch.as_tensor(row) for row in rows])
            inputs[name] = padded
            if not name.endswith('_motion'):
                inputs[f'{name}_mask'] = mask
        for name in _MOMENTS:
            motion, mask = inputs.get(f'{name}_motion'), inputs[f'{name}_mask']
            if motion is not None and motion.shape[:2] != mask.shape:
                lengths = [len(row) for row in data['inputs'][name]]
                others = [len(row) for row in data['inputs'][f'{name}_motion']]
                raise ValueError(
                    f'moments ({name}) of {lengths} frames with {others} motion '
                    'features: each frame needs one'
                )
        samples = data.get('data_samples')
        return self.cast_data(dict(inputs=inputs, data_samples=samples))
