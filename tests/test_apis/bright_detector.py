"""A detector that cannot err, so that what is done to its answers is all there is.

Frames are of one colour. A class names a channel; its actions are the runs of clips in
which that channel is bright (:mod:`bright_model`).
"""

import torch
from bright_model import CHANNELS, bright_runs
from mmengine.model import BaseModule
from torch import nn

from mmvtg.models.heads.stale_head import Proposals
from mmvtg.models.task_modules.mask_candidates import MaskCandidates
from mmvtg.registry import MODELS


@MODELS.register_module()
class ColourClasses(nn.Module):
    """The name of a channel -> its unit vector, of others -> zeros."""

    def set_classes(self, names):
        self.class_names = list(names)

    def class_features(self):
        rows = [
            [float(c in name.split()) for c in CHANNELS] for name in self.class_names
        ]
        return torch.tensor(rows)


@MODELS.register_module()
class BrightHead(BaseModule):
    """Runs of clips in which the channel of a class is bright."""

    def __init__(self, reads_classes=True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.reads_classes = reads_classes
        nms = dict(kind='hard', iou_threshold=0.5, max_num=100)
        self.candidates = MaskCandidates(nms=nms)
        self.batches = []

    def propose(self, clips, mask, text, samples):
        self.batches.append(len(clips))
        return [
            self._row(row[valid] / 255, text, sample)
            for row, valid, sample in zip(clips, mask, samples)
        ]

    def _row(self, values, text, sample):
        channels = torch.eye(3) if not self.reads_classes else text
        found = []
        for label, direction in enumerate(channels):
            bright = values @ direction
            for start, end in bright_runs((bright > 0.5).numpy()):
                label = label if self.reads_classes else 0
                found.append((start, end, float(bright[start:end].mean()), label))
        rows = torch.tensor(found).reshape(-1, 4)
        start, end = sample.window
        seconds = start + rows[:, :2] / len(values) * (end - start)
        return Proposals(seconds, rows[:, 2], rows[:, 3].long())
