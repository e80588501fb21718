"""A model that cannot err, so that what windows do to answers is all there is to see.

Frames are of one colour. A query names a channel; its moments are the runs of clips in
which that channel is bright.
"""

from typing import Dict, List, Optional

import numpy as np
import torch
from mmengine.model import BaseModel
from mmengine.structures import InstanceData
from torch import nn

from mmvtg.registry import MODELS
from mmvtg.structures import QueryFeatures

CHANNELS = ('red', 'green', 'blue')


@MODELS.register_module()
class ColourTower(nn.Module):
    """Frames -> the mean of each channel; counts what it is shown."""

    def __init__(
        self, couples_frames: bool = False, margin: Optional[int] = None
    ) -> None:
        super().__init__()
        self.margin = margin
        self.register_buffer('mean', torch.zeros(3))
        self.couples_frames = couples_frames
        self.chunk_size = 16
        self.batches: List[int] = []

    def encode_runs(self, frames, runs):
        self.batches.append(len(frames))
        return frames.float().mean((2, 3)), [], {}


@MODELS.register_module()
class IdTower(nn.Module):
    """Token ids -> themselves."""

    context_length = 77

    def forward(self, ids, mask):
        return QueryFeatures(mask=mask, words=ids[..., None].float())


@MODELS.register_module()
class BrightRuns(BaseModel):
    """Runs of clips in which the asked channel is bright."""

    def __init__(self) -> None:
        super().__init__(data_preprocessor=dict(type='GroundingDataPreprocessor'))
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, inputs, data_samples, mode='predict'):
        owners = inputs.get('video_owners', range(len(data_samples)))
        for owner, sample in zip(owners, data_samples):
            clips = inputs['video'][owner][inputs['video_mask'][owner]].flatten(1)
            values = clips[:, CHANNELS.index(sample.query)].float() / 255
            spans = bright_runs((values > 0.5).numpy()) / sample.fps
            scores = [
                float(values[int(a * sample.fps) : int(b * sample.fps)].mean())
                for a, b in spans
            ]
            sample.pred_moments = InstanceData(
                spans=torch.tensor(spans).reshape(-1, 2).float(),
                scores=torch.tensor(scores),
            )
            sample.pred_saliency = values
        return data_samples


def bright_runs(bright: np.ndarray) -> np.ndarray:
    """(N, 2) first clip and last clip + 1 of each run of True."""
    steps = np.diff(np.concatenate([[0], bright.astype(int), [0]]))
    return np.stack([np.flatnonzero(steps > 0), np.flatnonzero(steps < 0)], axis=1)


def colours(planted: Dict[str, list], clips: int, fps: float) -> np.ndarray:
    """(T, 3) uint8: dark but for the planted moments (seconds) of each channel."""
    values = np.full((clips, 3), 20, np.uint8)
    for channel, moments in planted.items():
        for start, end in moments:
            rows = slice(round(start * fps), round(end * fps))
            values[rows, CHANNELS.index(channel)] = 220
    return values
