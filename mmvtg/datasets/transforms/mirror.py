"""Views of a drawn action that are as likely as the one drawn."""

from typing import Dict, Optional, Sequence, Tuple

import torch.nn.functional as F
from mmcv.transforms import BaseTransform

from mmvtg.registry import TRANSFORMS

from ..frame_draws import draw_generator

Pairs = Sequence[Tuple[int, int]]


@TRANSFORMS.register_module()
class MirrorAction(BaseTransform):
    """Mirrors frames in space and time, and swaps labels with them.

    A mirror makes left of right: each kind is used, with probability one half, only if
    the labels that it swaps are named (an empty list: it swaps none). What is drawn
    depends on ``seed``, ``draw`` and the video alone.

    Required keys: ``video`` (K, T, 3, H, W), ``label``, ``video_id``; optionally
    ``draw``. Changed keys: ``video``, ``label``.

    Args:
        horizontal (Sequence, optional): Pairs of labels that a mirror of left and right
            swaps. None: not mirrored.
        vertical (Sequence, optional): Likewise of up and down.
        time (Sequence, optional): Likewise of playing backwards.
        permute_colours (bool): Also shuffle red, green and blue.
        shift (int): Also move the picture by at most so many pixels each way; the edge
            is repeated.
        seed (int): Of the draws.
    """

    def __init__(
        self,
        horizontal: Optional[Pairs] = None,
        vertical: Optional[Pairs] = None,
        time: Optional[Pairs] = None,
        permute_colours: bool = False,
        shift: int = 0,
        seed: int = 0,
    ) -> None:
        # axes of (K, T, 3, H, W)
        kinds = ((-1, horizontal), (-2, vertical), (1, time))
        self.swaps = [
            (axis, {**dict(pairs), **{b: a for a, b in pairs}})
            for axis, pairs in kinds
            if pairs is not None
        ]
        self.permute_colours = permute_colours
        self.shift = shift
        self.seed = seed

    def transform(self, results: Dict) -> Dict:
        name, draw = f'{results["video_id"]} mirrored', results.get('draw', 0)
        rng = draw_generator(self.seed, name, draw)
        video, label = results['video'], results['label']
        for axis, swap in self.swaps:
            if rng.random() < 0.5:
                video, label = video.flip(axis), swap.get(label, label)
        if self.permute_colours:
            video = video[:, :, rng.permutation(3).tolist()]
        if self.shift:
            top, left = rng.integers(2 * self.shift + 1, size=2).tolist()
            height, width = video.shape[-2:]
            flat = F.pad(video.flatten(0, 1).float(), [self.shift] * 4, 'replicate')
            flat = flat[..., top : top + height, left : left + width]
            video = flat.to(video.dtype).unflatten(0, video.shape[:2])
        results['video'], results['label'] = video.contiguous(), label
        return results
