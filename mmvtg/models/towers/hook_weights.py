"""Fills the hooks of a tower from a checkpoint."""

import hashlib
from typing import Any, Dict

from torch import nn

from .clip_weights import read_state_dict


def load_hooks(hooks: nn.Module, path: str, role: str) -> None:
    """Load what training made of the hooks.

    Args:
        hooks (nn.Module): The hooks of a tower.
        path (str): Checkpoint of a model that has the tower, or of the tower alone;
            nothing but tensors is read from it.
        role (str): The tower's name in the model, such as ``vision_tower``.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Its weights are not those of these hooks.
    """
    found: Dict[str, Any] = {}
    for key, value in read_state_dict(path).items():
        for prefix in (f'{role}.hooks.', 'hooks.'):
            if key.startswith(prefix):
                found[key[len(prefix) :]] = value
                break
    own = hooks.state_dict()
    missing, unknown = own.keys() - found.keys(), found.keys() - own.keys()
    other = [k for k in own.keys() & found.keys() if own[k].shape != found[k].shape]
    if missing or unknown or other:
        raise ValueError(
            f'{path} does not fit the hooks of the {role}: '
            f'{_some("missing", missing)}, {_some("unknown", unknown)}, '
            f'{_some("of another shape", other)}. Give the tower the `hooks` of the '
            'config that trained them, in the same order'
        )
    hooks.load_state_dict(found)


def describe_hooks(hooks: nn.ModuleList) -> Dict[str, Any]:
    """What a manifest says of hooks that have weights; nothing if there is none."""
    learned = [hook for hook in hooks if next(hook.parameters(), None) is not None]
    if not learned:
        return {}
    digest = hashlib.sha256()
    for name, value in sorted(hooks.named_parameters()):
        digest.update(name.encode())
        digest.update(value.detach().float().cpu().numpy().tobytes())
    described = [hook.describe() for hook in learned]
    return dict(hooks=described, hooks_sha256=digest.hexdigest())


def _some(what: str, names: Any) -> str:
    names = sorted(names)
    shown = ', '.join(names[:3]) + (', ...' if len(names) > 3 else '')
    return f'{len(names)} {what}' + (f' ({shown})' if names else '')
