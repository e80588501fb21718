"""CLIP's image tower over the frames of videos."""

from typing import Dict, List, Optional, Sequence, Tuple

import open_clip
import torch
from torch import Tensor

from mmvtg.models.tower_hooks import TowerContext
from mmvtg.registry import MODELS
from mmvtg.structures import VideoFeatures

from .clip_tower import CLIPTower, require_plain_tower
from .clip_weights import build_clip
from .layer_walk import walk_layers
from .run_chunks import plan_chunks

_PARTS = ('conv1', 'class_embedding', 'positional_embedding', 'ln_post', 'transformer')


@MODELS.register_module()
class CLIPVisionTower(CLIPTower):
    """The image half of an open_clip model, frame by frame.

    Args:
        model (str): open_clip's name of the model, or ``tiny-clip``. Weights of OpenAI
            want a ``...-quickgelu`` model.
        pretrained (str, optional): See :func:`build_clip`. None: random weights.
        frozen (bool): See :class:`CLIPTower`.
        hooks (Sequence[dict], optional): Configs of tower hooks.
        chunk_size (int): Frames that go through the tower at once. Bounds memory.
        mean (Sequence[float], optional): Of RGB in [0, 1]; default: the model's own.
        std (Sequence[float], optional): Likewise.
        recompute (bool): See :class:`CLIPTower`.
        hook_weights (str, optional): See :class:`CLIPTower`.
    """

    role = 'vision_tower'

    def __init__(
        self,
        model: str,
        pretrained: Optional[str] = None,
        frozen: bool = True,
        hooks: Optional[Sequence[dict]] = None,
        chunk_size: int = 32,
        mean: Optional[Sequence[float]] = None,
        std: Optional[Sequence[float]] = None,
        recompute: bool = False,
        hook_weights: Optional[str] = None,
    ) -> None:
        visual = build_clip(model, pretrained).visual
        _refuse_unusual(visual, model, frozen)
        source = dict(model=model, pretrained=pretrained)
        super().__init__(visual, source, frozen, hooks, recompute, hook_weights)
        if chunk_size < 1:
            raise ValueError(f'CLIPVisionTower: chunk_size is {chunk_size}, want >= 1')
        self.chunk_size = chunk_size
        preprocess = open_clip.get_model_preprocess_cfg(visual)
        for name, given in (('mean', mean), ('std', std)):
            value = torch.tensor(preprocess[name] if given is None else given)
            self.register_buffer(name, value.float().view(3, 1, 1), persistent=False)

    @property
    def image_size(self) -> Tuple[int, int]:
        """Height and width of frames."""
        return tuple(self.clip.image_size)

    @property
    def num_tokens(self) -> int:
        """Tokens of a frame without hooks: the class token and the patches."""
        return self.clip.positional_embedding.shape[0]

    @property
    def width(self) -> int:
        """Channels of tokens."""
        return self.clip.class_embedding.shape[0]

    @property
    def embed_dim(self) -> int:
        """Channels of pooled frames."""
        return self.width if self.clip.proj is None else self.clip.proj.shape[1]

    def forward(
        self,
        video: Tensor,
        video_mask: Tensor,
        clip_inputs: Optional[Dict[str, Tensor]] = None,
        run_inputs: Optional[Dict[str, Tensor]] = None,
        outputs: Optional[Dict[str, Tensor]] = None,
    ) -> VideoFeatures:
        """Encode a padded batch of videos; padding never enters the tower.

        Args:
            video (Tensor): (B, T, 3, H, W), uint8 RGB, or float that is already
                normalised with the model's mean and std.
            video_mask (Tensor): (B, T) bool, True for real frames.
            clip_inputs (dict, optional): Per-frame inputs of hooks, (B, T, ...) each.
            run_inputs (dict, optional): Per-video inputs of hooks, (B, ...) each.
            outputs (dict, optional): Is filled with what hooks hand out, (B, T, ...).

        Returns:
            VideoFeatures: ``clips`` (B, T, embed_dim) not normalised, ``layers``
            (B, T, tokens, width) each if tapped; zero at padding.

        Raises:
            ValueError: Frames of another size than the model's, or no real frame.
        """
        if tuple(video.shape[-2:]) != self.image_size:
            raise ValueError(
                f'frames are {tuple(video.shape[-2:])} and {self.source["model"]} '
                f'wants {self.image_size}: set the `size` of LoadVideo to that'
            )
        runs = video_mask.nonzero()[:, 0]
        if len(runs) == 0:
            raise ValueError('a batch of videos without a single valid frame')
        frames = video[video_mask]
        per_frame = {key: x[video_mask] for key, x in (clip_inputs or {}).items()}
        pooled, layers, extras = self.encode_runs(frames, runs, per_frame, run_inputs)
        if outputs is not None:
            outputs.update({key: _pad(x, video_mask) for key, x in extras.items()})
        return VideoFeatures(
            mask=video_mask,
            layers=[_pad(layer, video_mask) for layer in layers],
            clips=_pad(pooled, video_mask),
        )

    def encode_runs(
        self,
        frames: Tensor,
        runs: Tensor,
        frame_inputs: Optional[Dict[str, Tensor]] = None,
        run_inputs: Optional[Dict[str, Tensor]] = None,
    ) -> Tuple[Tensor, List[Tensor], Dict[str, Tensor]]:
        """Encode the frames of several videos, one after the other, in chunks.

        Args:
            frames (Tensor): (F, 3, H, W), as in :meth:`forward`.
            runs (Tensor): (F,) int64, the video of each frame, ascending.
            frame_inputs (dict, optional): Inputs of hooks, (F, ...) each.
            run_inputs (dict, optional): Inputs of hooks, indexed by ``runs``.

        Returns:
            tuple: pooled (F, embed_dim), tapped layers (F, tokens, width) each, and
            what hooks hand out, (F, ...) each.
        """
        pooled, layers, extras = [], [], []
        for frame, kept in plan_chunks(
            runs, self.chunk_size, self.couples_frames, self.margin
        ):
            inputs = {key: value[frame] for key, value in (frame_inputs or {}).items()}
            inputs.update(run_inputs or {})
            one, context = self.encode(frames[frame], runs[frame], inputs)
            pooled.append(one[kept])
            layers.append([layer[kept] for layer in context.layers])
            extras.append({key: x[kept] for key, x in context.outputs.items()})
        joined = {name: _join([one[name] for one in extras]) for name in extras[0]}
        return _join(pooled), [_join(parts) for parts in zip(*layers)], joined

    def encode(
        self,
        images: Tensor,
        runs: Optional[Tensor] = None,
        inputs: Optional[Dict[str, Tensor]] = None,
    ) -> Tuple[Tensor, TowerContext]:
        """Encode frames in one go.

        Args:
            images (Tensor): (N, 3, H, W), as in :meth:`forward`.
            runs (Tensor, optional): (N,) int64, the run each frame belongs to; default:
                one run.
            inputs (dict, optional): Inputs of hooks.

        Returns:
            tuple: pooled (N, embed_dim), not normalised, and the context with what
            hooks collected.
        """
        tokens, context = self.encode_tokens(images, runs, inputs)
        with self._with_autograd(context.inputs):
            return self.project(tokens[:, 0]), context

    def encode_tokens(
        self,
        images: Tensor,
        runs: Optional[Tensor] = None,
        inputs: Optional[Dict[str, Tensor]] = None,
    ) -> Tuple[Tensor, TowerContext]:
        """As :meth:`encode`, and all tokens of the last layer, (N, tokens, width)."""
        inputs = inputs or {}
        if runs is None:
            runs = torch.zeros(len(images), dtype=torch.int64, device=images.device)
        context = TowerContext(num_layers=self.num_layers, inputs=inputs, runs=runs)
        with self._with_autograd(inputs):
            tokens = self._embed(self._normalise(images))
            tokens = walk_layers(
                self.blocks, tokens, self.hooks, context, recompute=self.recompute
            )
        return tokens, context

    def project(self, tokens: Tensor) -> Tensor:
        """Final norm and projection, (..., width) to (..., embed_dim)."""
        tokens = self.clip.ln_post(tokens)
        return tokens if self.clip.proj is None else tokens @ self.clip.proj

    def _normalise(self, images: Tensor) -> Tensor:
        if images.is_floating_point():
            return images
        return images.float().div_(255).sub_(self.mean).div_(self.std)

    def _embed(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 1 + patches, width), class token first."""
        clip = self.clip
        patches = clip.conv1(images).flatten(2).transpose(1, 2)
        first = clip.class_embedding.to(patches.dtype).expand(len(patches), 1, -1)
        tokens = torch.cat([first, patches], dim=1)
        tokens = tokens + clip.positional_embedding.to(tokens.dtype)
        return clip.ln_pre(tokens)


def _join(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))


def _pad(values: Tensor, mask: Tensor) -> Tensor:
    """Valid frames (F, ...) -> (B, T, ...), zero at padding."""
    if len(values) == mask.numel():
        return values.unflatten(0, mask.shape)
    out = values.new_zeros(*mask.shape, *values.shape[1:])
    out[mask] = values
    return out


def _refuse_unusual(visual: torch.nn.Module, model: str, frozen: bool) -> None:
    require_plain_tower(visual, model, _PARTS)
    if getattr(visual, 'attn_pool', None) is not None:
        raise ValueError(f'{model}: its image tower pools by attention (attn_pool)')
    if getattr(visual, 'pool_type', 'tok') != 'tok':
        raise ValueError(
            f'{model}: its image tower pools by {visual.pool_type!r}, not by the class '
            "token ('tok')"
        )
    if getattr(visual.patch_dropout, 'prob', 0) > 0 and not frozen:
        raise ValueError(
            f'{model}: patch dropout is active; freeze the tower or set '
            'vision_cfg.patch_dropout to 0'
        )
