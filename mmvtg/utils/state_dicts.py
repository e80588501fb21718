"""Weights in checkpoints of any layout, and their comparison with a model."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from .tensor_files import CheckpointError

#: Fields of checkpoints that hold averaged weights (EMA), best first.
_AVERAGED = (
    *('state_dict_ema', 'ema_state_dict', 'model_state_dict_ema', 'model_ema'),
    *('ema_model', 'ema', 'params_ema', 'averaged_model'),
)
#: Fields that hold the weights of the last step.
_PLAIN = ('state_dict', 'model_state_dict', 'model', 'net', 'params', 'module')
#: Wrappers inside of wrappers; a file can hold itself.
_MAX_DEPTH = 4
#: What wrappers of models put before the names of parameters.
_PREFIXES = ('module.', '_orig_mod.')
#: Counter of ``torch.optim.swa_utils.AveragedModel``.
_COUNTER = 'n_averaged'


def find_weights(content: Any) -> tuple[dict[str, Tensor], list[str]]:
    """Return the weights of a checkpoint, whatever project wrote it.

    Averaged weights are preferred to those of the last step, as their authors do.

    Args:
        content: Content of the file.

    Returns:
        tuple[dict[str, Tensor], list[str]]: Weights by name, without the prefixes of
        wrappers; and what was unwrapped, in words.

    Raises:
        CheckpointError: If there are no weights.
    """
    notes: list[str] = []
    if not isinstance(content, dict):
        raise CheckpointError(
            f'it holds a {type(content).__name__}, not a dict of weights'
        )
    for _ in range(_MAX_DEPTH):
        field = _wrapper(content)
        if field is None:
            break
        if field in _AVERAGED:
            beside = [key for key in _PLAIN if isinstance(content.get(key), dict)]
            also = f'; those of the last step ({beside[0]}) are not' if beside else ''
            notes.append(f'the averaged weights ({field}) are used{also}')
        elif field != 'state_dict':
            notes.append(f'the weights are those of the field {field!r}')
        content = content[field]
    state = {key: x for key, x in content.items() if isinstance(x, Tensor)}
    if not state:
        fields = ', '.join(map(str, list(content)[:5])) or 'none'
        raise CheckpointError(f'it holds no weights; its fields: {fields}')
    state, taken_off = _without_prefixes(state)
    return state, notes + taken_off


def _wrapper(content: Mapping[str, Any]) -> str | None:
    """Return the field of a checkpoint that holds its weights, None for weights."""
    fields: tuple[str, ...] = (*_AVERAGED, *_PLAIN)
    if 'state_dict' in content and 'message_hub' in content:
        fields = ('state_dict',)  # mmengine's EMAHook stores the averaged ones there
    found = (key for key in fields if isinstance(content.get(key), dict))
    return next((key for key in found if content[key]), None)


def _without_prefixes(
    state: dict[str, Tensor],
) -> tuple[dict[str, Tensor], list[str]]:
    """Take off what wrappers of models put before every name."""
    notes = []
    if _COUNTER in state:
        count = int(state[_COUNTER].sum())
        state = {key: value for key, value in state.items() if key != _COUNTER}
        notes.append(f'the weights are averages over {count} steps (n_averaged)')
    taken = ''
    while prefix := next((p for p in _PREFIXES if _all_begin(state, p)), None):
        state = {key.removeprefix(prefix): value for key, value in state.items()}
        taken += prefix
    if taken:
        notes.append(f'the prefix {taken!r} of their names is taken off')
    return state, notes


def _all_begin(state: Mapping[str, Tensor], prefix: str) -> bool:
    return bool(state) and all(key.startswith(prefix) for key in state)


def check_weights(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Refuse weights that do not fill all parts of the model.

    Raises:
        CheckpointError: If parts are missing or have another shape; the message names
            the first parts.
    """
    wanted = model.state_dict()
    bad = [f'{key} is missing' for key in wanted if key not in state]
    bad += [
        f'{key} is {tuple(state[key].shape)}, want {tuple(value.shape)}'
        for key, value in wanted.items()
        if key in state and state[key].shape != value.shape
    ]
    if bad:
        raise CheckpointError(
            f'the weights are of another model than the config: {"; ".join(bad[:3])}'
            + (f'; and {len(bad) - 3} more' if len(bad) > 3 else '')
        )
