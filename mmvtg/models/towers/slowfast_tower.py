"""mmaction2's SlowFast over clips of 32 frames: what Moment-DETR calls SlowFast."""

import hashlib
import os.path as osp
from typing import Dict, List, Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS as ROOT
from torch import Tensor

from mmvtg.registry import MODELS

from .clip_weights import read_state_dict

#: Trained on MovingShapes, see configs/slowfast.
TINY_SLOWFAST = osp.join(
    osp.dirname(__file__), 'slowfast_zoo', 'tiny-slowfast.safetensors'
)
#: SlowFast 8x8 with a ResNet-50, of mmaction2's config of that name.
SLOWFAST_R50_8X8 = dict(
    type='mmaction.ResNet3dSlowFast',
    pretrained=None,
    resample_rate=4,
    speed_ratio=4,
    channel_ratio=8,
    slow_pathway=dict(
        type='resnet3d',
        depth=50,
        pretrained=None,
        lateral=True,
        fusion_kernel=7,
        conv1_kernel=(1, 7, 7),
        dilations=(1, 1, 1, 1),
        conv1_stride_t=1,
        pool1_stride_t=1,
        inflate=(0, 0, 1, 1),
        norm_eval=False,
    ),
    fast_pathway=dict(
        type='resnet3d',
        depth=50,
        pretrained=None,
        lateral=False,
        base_channels=8,
        conv1_kernel=(5, 7, 7),
        conv1_stride_t=1,
        pool1_stride_t=1,
        norm_eval=False,
    ),
)

# Of batch norms, which nothing reads at inference.
_COUNTERS = 'num_batches_tracked'


@MODELS.register_module()
class SlowFastTower(BaseModule):
    """Frozen SlowFast; both pathways averaged over time and space, slow one first.

    Moment-DETR's conventions are the defaults: mean 0.45 and deviation 0.225 of RGB in
    [0, 1], and slow frames spread from the first frame to the last (PySlowFast's). Its
    own weights are PySlowFast's SLOWFAST_8x8_R50; with mmaction2's, which were trained
    otherwise, take their mean and deviation and ``slow_frames='strided'``.

    Args:
        pretrained (str, optional): Checkpoint of mmaction2 (a recogniser or its
            backbone), or ``'shipped'`` for the tiny one's, which come with this
            package. None: random weights.
        backbone (dict, optional): Default: SlowFast 8x8 with ResNet-50.
        mean (Sequence[float]): Of RGB in [0, 1].
        std (Sequence[float]): Likewise.
        slow_frames (str): ``'spread'``: every fourth frame on average, the first and
            the last among them; ``'strided'``: every fourth, as mmaction2 does.
        chunk_size (int): Clips that go through the tower at once. Bounds memory.

    Raises:
        FileNotFoundError, ValueError: No such checkpoint, or not one of this backbone.
    """

    couples_frames = False
    tapped_layers: List[int] = []

    def __init__(
        self,
        pretrained: Optional[str] = None,
        backbone: Optional[dict] = None,
        mean: Sequence[float] = (0.45, 0.45, 0.45),
        std: Sequence[float] = (0.225, 0.225, 0.225),
        slow_frames: str = 'spread',
        chunk_size: int = 8,
    ) -> None:
        super().__init__()
        if slow_frames not in ('spread', 'strided'):
            raise ValueError(
                f"slow_frames is {slow_frames!r}, want 'spread' or 'strided'"
            )
        self.backbone = ROOT.build(backbone or SLOWFAST_R50_8X8)
        if pretrained is not None:
            shipped = pretrained == 'shipped'
            _fill(self.backbone, TINY_SLOWFAST if shipped else pretrained)
        self.requires_grad_(False).eval()
        self.source = dict(
            model='slowfast_r50_8x8' if backbone is None else 'slowfast',
            pretrained=pretrained,
            slow_frames=slow_frames,
        )
        self.slow_frames = slow_frames
        self.chunk_size = chunk_size
        for name, value in (('mean', mean), ('std', std)):
            buffer = torch.tensor(value).float().view(3, 1, 1)
            self.register_buffer(name, buffer, persistent=False)

    def train(self, mode: bool = True) -> 'SlowFastTower':
        return super().train(False)

    def weights_sha256(self) -> str:
        """Hash of the weights, whatever file they came from."""
        digest = hashlib.sha256()
        for name, value in sorted(self.backbone.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.float().cpu().numpy().tobytes())
        return digest.hexdigest()

    def encode_runs(
        self, clips: Tensor, runs: Tensor
    ) -> Tuple[Tensor, List[Tensor], Dict[str, Tensor]]:
        """Encode clips of any videos, in chunks.

        Args:
            clips (Tensor): (N, F, 3, H, W) uint8 RGB; F is 32 of the full one.
            runs (Tensor): (N,) int64, not used: clips do not know each other.

        Returns:
            tuple: (N, C), no layers, and nothing else, as of a CLIP tower. C, the
            channels of both pathways, is 2304 of the full one.
        """
        chunks = clips.split(self.chunk_size)
        return torch.cat([self.encode(chunk) for chunk in chunks]), [], {}

    @torch.no_grad()
    def encode(self, clips: Tensor) -> Tensor:
        """(N, F, 3, H, W) uint8 RGB -> (N, channels of slow + fast)."""
        frames = clips.float().div_(255).sub_(self.mean).div_(self.std)
        pathways = self._pathways(frames.transpose(1, 2))
        return torch.cat([one.mean(dim=(2, 3, 4)) for one in pathways], dim=1)

    def _pathways(self, fast: Tensor) -> Tuple[Tensor, Tensor]:
        """(N, 3, F, H, W) -> maps of the slow and the fast pathway.

        The backbone's own forward chooses the slow frames by stride; the rest is its.
        """
        if self.slow_frames == 'strided':
            return self.backbone(fast)
        count = fast.shape[2] // self.backbone.resample_rate
        index = torch.linspace(0, fast.shape[2] - 1, count, device=fast.device).long()
        slow_path, fast_path = self.backbone.slow_path, self.backbone.fast_path
        slow = slow_path.maxpool(slow_path.conv1(fast[:, :, index]))
        fast = fast_path.maxpool(fast_path.conv1(fast))
        slow = torch.cat([slow, slow_path.conv1_lateral(fast)], dim=1)
        laterals = slow_path.lateral_connections
        for i, name in enumerate(slow_path.res_layers):
            slow = getattr(slow_path, name)(slow)
            fast = getattr(fast_path, name)(fast)
            if i < len(slow_path.res_layers) - 1:
                slow = torch.cat([slow, getattr(slow_path, laterals[i])(fast)], dim=1)
        return slow, fast


def _fill(backbone: torch.nn.Module, path: str) -> None:
    """Load a checkpoint of mmaction2 into its backbone."""
    inner = {k.removeprefix('backbone.'): v for k, v in read_state_dict(path).items()}
    wanted = backbone.state_dict()
    if not any(key.endswith(_COUNTERS) for key in inner):  # as export_slowfast writes
        inner.update((k, v) for k, v in wanted.items() if k.endswith(_COUNTERS))
    missing = sorted(wanted.keys() - inner.keys())
    odd = [k for k in wanted if k in inner and wanted[k].shape != inner[k].shape]
    if missing or odd:
        raise ValueError(
            f'{path} is no checkpoint of this SlowFast: {len(missing)} of '
            f'{len(wanted)} weights are missing ({", ".join(missing[:2])}), '
            f'{len(odd)} have another shape ({", ".join(odd[:2])})'
        )
    backbone.load_state_dict({k: inner[k] for k in wanted})
