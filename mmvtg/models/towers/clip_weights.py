"""Builds open_clip models and fills them with weights.

Nothing in a weights file is trusted or run: only tensors and plain values are read.
OpenAI's ``.pt`` files are TorchScript archives, which are programs. Their tensors are
read from the archive without ``torch.jit.load``, which would run the programs.
"""

import difflib
import logging
import os.path as osp
from functools import cache, lru_cache
from typing import Dict, Optional, Set

import open_clip
from mmengine.logging import MMLogger
from torch import Tensor, nn

from mmvtg.utils.state_dicts import find_weights
from mmvtg.utils.tensor_files import CheckpointError, load_foreign

_ZOO = osp.join(osp.dirname(__file__), 'clip_zoo')
_SUFFIXES = ('.pt', '.pth', '.bin', '.safetensors')
#: What the models whose weights come with mmvtg cannot do.
SHIPPED_LIMITS = {
    'tiny-clip': 'tiny-clip knows the coloured shapes of MovingShapes and nothing '
    'else: what a model on it says about other videos means nothing'
}
# What OpenAI's archives carry beside the weights.
_OPENAI_SETTINGS = {'input_resolution', 'context_length', 'vocab_size'}
# Keys that come and go with versions of open_clip and carry no learned weights.
_OPTIONAL = {'attn_mask', 'text.attn_mask', 'logit_scale', 'logit_bias'}


def build_clip(model: str, pretrained: Optional[str] = None) -> nn.Module:
    """An open_clip model with weights, float32, on the CPU.

    Args:
        model (str): open_clip's name of the model, such as ``ViT-B-32-quickgelu``; or
            ``hf-hub:...`` / ``local-dir:...``, which bring their own weights; or
            ``tiny-clip``, which is ours.
        pretrained (str, optional): A tag of open_clip (``openai``), a local ``.pt``,
            ``.pth``, ``.bin`` or ``.safetensors`` file, ``shipped`` for weights in this
            package, or None for random weights.

    Raises:
        ValueError: Unknown model or tag, or weights that do not fit the model.
        FileNotFoundError: No such weights file.
    """
    _register_zoo()
    if model.startswith(('hf-hub:', 'local-dir:')):
        return open_clip.create_model(model)
    _check_model_name(model)
    if pretrained is None:
        MMLogger.get_current_instance().warning(f'{model}: random weights')
        return _create_empty(model)
    if pretrained == 'shipped':
        pretrained = _shipped_weights(model)
    if pretrained.endswith(_SUFFIXES) or osp.sep in pretrained:
        clip = _create_empty(model)
        _fill(clip, pretrained, model)
        return clip
    return _create_from_tag(model, pretrained)


@lru_cache(maxsize=1)
def _register_zoo() -> None:
    open_clip.add_model_config(_ZOO)


def _create_empty(model: str) -> nn.Module:
    logging.disable(logging.WARNING)  # it would say "initialized randomly" each time
    try:
        return open_clip.create_model(model, pretrained_text=False, precision='fp32')
    finally:
        logging.disable(logging.NOTSET)


def _check_model_name(model: str) -> None:
    known = open_clip.list_models()
    if model.replace('/', '-') in known:
        return
    near = difflib.get_close_matches(model, known, n=4, cutoff=0.5)
    raise ValueError(
        f'open_clip {open_clip.__version__} knows no model {model!r}; near names: '
        f'{", ".join(near) or "none"}. open_clip.list_models() lists all, and '
        'open_clip.add_model_config(path) adds your own'
    )


def _shipped_weights(model: str) -> str:
    path = osp.join(_ZOO, f'{model}.safetensors')
    if osp.isfile(path):
        _say_limits(model)
        return path
    raise FileNotFoundError(
        f"no weights of {model!r} are shipped with this package (pretrained='shipped' "
        f'looks for {path}); name a file, an open_clip tag, or None for random weights'
    )


@cache  # once, not for each tower
def _say_limits(model: str) -> None:
    if model in SHIPPED_LIMITS:
        MMLogger.get_current_instance().info(SHIPPED_LIMITS[model])


def check_tag(model: str, tag: str) -> None:
    """Check that open_clip has pretrained weights for a model, of its activation.

    Args:
        model (str): open_clip's name of the model.
        tag (str): Tag of the weights, such as ``openai``.

    Raises:
        ValueError: If ``model`` has no weights ``tag``, or another activation.
    """
    tags = open_clip.list_pretrained_tags_by_model(model.replace('/', '-'))
    if tag not in tags:
        raise ValueError(
            f'{model} has no pretrained weights {tag!r} in open_clip; tags: '
            f'{", ".join(tags) or "none"}. A local file is named by a path that ends '
            f'in one of {", ".join(_SUFFIXES)}'
        )
    if tag == 'openai':
        _check_quick_gelu(open_clip.get_model_config(model), model)


def _create_from_tag(model: str, tag: str) -> nn.Module:
    check_tag(model, tag)
    try:
        return open_clip.create_model(model, pretrained=tag, precision='fp32')
    except (RuntimeError, OSError) as error:
        raise ValueError(
            f'could not get the weights {tag!r} of {model}: {error}. Without network, '
            'fetch the file elsewhere and give its path as pretrained'
        ) from error


def _check_quick_gelu(config: Dict, model: str) -> None:
    if not config.get('quick_gelu', False):
        raise ValueError(
            f'OpenAI trained with QuickGELU and {model!r} has the exact GELU: features '
            f'would silently be wrong. Take {model}-quickgelu'
        )


def read_state_dict(path: str) -> Dict[str, Tensor]:
    """Return the tensors of a weights file, without running anything in it.

    Args:
        path (str): A ``.safetensors`` file, a TorchScript archive, or a pickle of
            tensors; wrappers (``state_dict``, ``module.``) are taken off.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Not a weights file, or one that holds more than tensors.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(
            f'CLIP weights {path} do not exist; correct `pretrained`, or set it to an '
            'open_clip tag or to None (random weights)'
        )
    try:
        state, notes = find_weights(load_foreign(path))
    except CheckpointError as error:
        raise ValueError(
            f'{path} is no readable weights file: {error}; expected .safetensors, a '
            'TorchScript archive, or a pickle that holds nothing but tensors'
        ) from error
    if notes:
        MMLogger.get_current_instance().info(f'{path}: {"; ".join(notes)}')
    return state


def _fill(clip: nn.Module, path: str, model: str) -> None:
    """Load a weights file into a model, or say what does not fit."""
    state = read_state_dict(path)
    if state.keys() >= _OPENAI_SETTINGS:
        _check_quick_gelu(open_clip.get_model_config(model), model)
    state = {key: x for key, x in state.items() if key not in _OPENAI_SETTINGS}
    own = clip.state_dict()
    if 'text.token_embedding.weight' in own and 'token_embedding.weight' in state:
        state = _to_nested_text(state)
    optional = _OPTIONAL & (state.keys() ^ own.keys())
    state = {key: x for key, x in state.items() if key not in optional}
    missing: Set[str] = own.keys() - state.keys() - optional
    unknown: Set[str] = state.keys() - own.keys()
    reshaped = [
        f'{key} {tuple(state[key].shape)} (model: {tuple(own[key].shape)})'
        for key in own.keys() & state.keys()
        if state[key].numel() != own[key].numel()
        or state[key].squeeze().shape != own[key].squeeze().shape
    ]
    if missing or unknown or reshaped:
        raise ValueError(
            f'{path} does not fit the open_clip model {model!r}: '
            f'{_sample("missing", missing)}; {_sample("unknown", unknown)}; '
            f'{_sample("of another shape", reshaped)}. Is it of another model?'
        )
    state = {key: x.reshape(own[key].shape) for key, x in state.items()}
    clip.load_state_dict(state, strict=False)
    MMLogger.get_current_instance().info(f'{model}: weights of {path}')


def _to_nested_text(state: Dict[str, Tensor]) -> Dict[str, Tensor]:
    outer = ('visual.', 'logit_')
    return {
        key if key.startswith(outer) else f'text.{key}': value
        for key, value in state.items()
    }


def _sample(what: str, names) -> str:
    names = sorted(names)
    shown = ', '.join(names[:3]) + (', ...' if len(names) > 3 else '')
    return f'{len(names)} {what}' + (f' ({shown})' if names else '')
