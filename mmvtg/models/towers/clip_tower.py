"""What the two CLIP towers share: frozen weights, hooks, checkpoints."""

import hashlib
from typing import Any, Dict, List, Optional, Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.registry import MODELS

from .hook_weights import describe_hooks, load_hooks


class CLIPTower(BaseModule):
    """Base of the towers: one half of an open_clip model, and hooks.

    A frozen tower

    * has ``requires_grad=False`` weights and runs without autograd, unless a hook or an
      input needs gradients, which then pass through the layers;
    * stays in ``eval`` through ``model.train()`` (its hooks do not);
    * leaves its CLIP weights out of ``state_dict()``: they are in the file that
      ``pretrained`` names, and would make each checkpoint hundreds of MB larger.
      Loading such a checkpoint with ``strict=True`` works. A checkpoint that does
      carry them is loaded as it is. With random weights (``pretrained=None``) the
      weights are therefore not kept; that is for tests.

    A tower that learns leaves out the weights that are frozen all the same
    (``still``).

    Args:
        clip (nn.Module): One half of an open_clip model.
        source (dict): Where it came from (model, pretrained), for manifests.
        frozen (bool): Whether its weights stay as they are.
        hooks (Sequence[dict], optional): Configs of tower hooks.
        still (Sequence[str]): Names of CLIP's weights that stay as they are even where
            the tower learns.
        recompute (bool): Compute each layer again in the backward pass instead of
            keeping its activations.
        hook_weights (str, optional): Checkpoint that the hooks' weights are read from.
    """

    #: Name of the tower in models, and in their checkpoints.
    role = 'tower'

    def __init__(
        self,
        clip: nn.Module,
        source: Dict[str, Optional[str]],
        frozen: bool,
        hooks: Optional[Sequence[dict]],
        recompute: bool,
        hook_weights: Optional[str] = None,
        still: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.clip = clip
        self.source = source
        self.frozen = frozen
        self.recompute = recompute
        self.hooks = nn.ModuleList(MODELS.build(hook) for hook in hooks or ())
        self._hooks_loaded = hook_weights is not None
        if self._hooks_loaded:
            load_hooks(self.hooks, hook_weights, self.role)
        if frozen:
            self.clip.requires_grad_(False).eval()
        for name in still:
            self.clip.get_parameter(name).requires_grad_(False)
        # a fixed list: a copy of the model, such as an average, freezes all it has
        self._left_out = list(self.clip.state_dict()) if frozen else list(still)
        self._register_state_dict_hook(_leave_out_clip)
        self._register_load_state_dict_pre_hook(_fill_in_clip, with_module=True)

    @property
    def blocks(self) -> nn.ModuleList:
        """The layers, shallow to deep."""
        return self.clip.transformer.resblocks

    @property
    def num_layers(self) -> int:
        return len(self.blocks)

    @property
    def tapped_layers(self) -> List[int]:
        """Layers (from 0) whose tokens the tower hands out."""
        layers: List[int] = []
        for hook in self.hooks:
            if hasattr(hook, 'tapped_layers'):
                layers += hook.tapped_layers(self.num_layers)
        return layers

    @property
    def couples_frames(self) -> bool:
        """Whether some hook lets a frame depend on its neighbours."""
        return any(hook.couples_frames for hook in self.hooks)

    @property
    def margin(self) -> Optional[int]:
        """From how many frames away a coupled frame can see; None: from any."""
        reaches = [hook.reach for hook in self.hooks if hook.couples_frames]
        return None if None in reaches else sum(reaches) * (self.num_layers - 1)

    def describe_hooks(self) -> Dict[str, Any]:
        """What a manifest says of the hooks."""
        return describe_hooks(self.hooks)

    def train(self, mode: bool = True) -> 'CLIPTower':
        super().train(mode)
        if self.frozen:
            self.clip.eval()
        return self

    def init_weights(self) -> None:
        """Only hooks have weights that are not loaded."""
        for hook in () if self._hooks_loaded else self.hooks:
            hook.init_weights()

    def weights_sha256(self) -> str:
        """Hash of the CLIP weights and of the hooks', whatever file they came from."""
        digest = hashlib.sha256()
        named = list(self.clip.named_parameters()) + list(self.hooks.named_parameters())
        for name, value in sorted(named):
            digest.update(name.encode())
            digest.update(value.detach().float().cpu().numpy().tobytes())
        return digest.hexdigest()

    def _with_autograd(self, inputs: Dict[str, Any]) -> torch.set_grad_enabled:
        """Autograd only if somebody wants a gradient."""
        wanted = not self.frozen or any(
            p.requires_grad for p in self.hooks.parameters()
        )
        wanted = wanted or any(
            isinstance(value, Tensor) and value.requires_grad
            for value in inputs.values()
        )
        return torch.set_grad_enabled(wanted and torch.is_grad_enabled())


def require_plain_tower(half: Any, name: str, wanted: Sequence[str]) -> None:
    """Refuse what open_clip builds that is no plain CLIP transformer.

    Raises:
        ValueError: Naming the model and the first missing part.
    """
    for part in wanted:
        if not hasattr(half, part):
            raise ValueError(
                f'{name}: its tower is a {type(half).__name__} without `{part}`; the '
                'towers walk open_clip\'s own transformers (models "ViT-..."), not '
                'ResNets, timm or Hugging Face ones'
            )


def _leave_out_clip(module: CLIPTower, state: Dict, prefix: str, metadata: Any) -> None:
    for name in module._left_out:
        state.pop(f'{prefix}clip.{name}', None)


def _fill_in_clip(module: CLIPTower, state: Dict, prefix: str, *unused: Any) -> None:
    own = module.clip.state_dict()
    for name in module._left_out:
        state.setdefault(f'{prefix}clip.{name}', own[name])
