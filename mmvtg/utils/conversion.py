"""What converters of other projects' checkpoints share."""

import argparse
import io
import os.path as osp
import re
import sys
from typing import Callable, Dict, Iterable, Optional, Tuple

import torch
from torch import Tensor, nn

from .files import write_atomic
from .state_dicts import find_weights
from .tensor_files import load_foreign
from .tool_main import tool_main

StateDict = Dict[str, Tensor]
#: A pattern of the authors' keys, and ours for it (``\1`` is the first group); None
#: drops the tensor, ``{qkv}`` in ours splits it into ``q``, ``k`` and ``v``.
Rule = Tuple[str, Optional[str]]


def load_released(path: str) -> StateDict:
    """Return the weights of a released checkpoint; nothing in the file is run.

    Options beside the weights (``argparse.Namespace``, ``EasyDict``) may be in the
    file. What was unwrapped is written to stderr.

    Args:
        path (str): File of ``torch.save``, or ``.safetensors``.

    Returns:
        dict[str, Tensor]: Weights by the authors' names, averaged ones if there are.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is damaged, holds objects that are not plain data,
            or has no weights; the message is the reason, without the path.
    """
    if not osp.isfile(path):
        raise FileNotFoundError('there is no such file')
    state, notes = find_weights(load_foreign(path))
    for note in notes:
        sys.stderr.write(f'{path}: {note}\n')
    return state


def rename(official: StateDict, rules: Iterable[Rule]) -> StateDict:
    """Give tensors our names, in float32.

    Args:
        official (dict[str, Tensor]): With or without the prefix ``module.``.
        rules (Iterable[Rule]): The first whose pattern is the whole key counts.

    Returns:
        dict[str, Tensor]: By our names.

    Raises:
        ValueError: If a key is unknown.
    """
    compiled = [(re.compile(pattern), target) for pattern, target in rules]
    state = {}
    for key, value in official.items():
        key = key[len('module.') :] if key.startswith('module.') else key
        found = ((pattern.fullmatch(key), target) for pattern, target in compiled)
        match, target = next((pair for pair in found if pair[0]), (None, None))
        if match is None:
            raise ValueError(
                f'unknown key {key!r}: this is no checkpoint of this method, or of a '
                'variant that this converter does not know'
            )
        if target is None:
            continue
        name = match.expand(target)
        if '{qkv}' in name:
            for letter, part in zip('qkv', value.float().chunk(3)):
                state[name.replace('{qkv}', letter)] = part
        else:
            state[name] = value.float()
    return state


def convert_checkpoint(
    official: StateDict,
    rules: Iterable[Rule],
    infer_settings: Callable[[StateDict], dict],
    build_parts: Callable[[dict], Dict[str, nn.Module]],
    reshape: Callable[[StateDict], None] = lambda state: None,
    apart: Tuple[str, ...] = (),
) -> Tuple[StateDict, dict]:
    """Rename the authors' parameters, and check that none is amiss.

    Args:
        official (dict[str, Tensor]): With or without the prefix ``module.``.
        rules (Iterable[Rule]): See :func:`rename`.
        infer_settings (callable): What the shapes of ours tell of the config.
        build_parts (callable): The modules that such settings describe.
        reshape (callable): Mends shapes of the renamed tensors in place.
        apart (tuple[str]): Beginnings of names that are kept and belong to no part.

    Returns:
        tuple[dict[str, Tensor], dict]: Ours, and the settings.

    Raises:
        ValueError: If a key is unknown or missing, or a shape does not fit.
    """
    state = rename(official, rules)
    try:
        reshape(state)
        settings = infer_settings(state)
    except KeyError as error:
        raise ValueError(f'the checkpoint has no {error}: is it complete?') from error
    own = {key: value for key, value in state.items() if not key.startswith(apart)}
    check_fits(own, build_parts(settings))
    return state, settings


def count_layers(state: StateDict, prefix: str) -> int:
    """How many layers have names that begin with ``prefix`` and a number."""
    found = (re.match(re.escape(prefix) + r'(\d+)\.', key) for key in state)
    return len({match[1] for match in found if match})


def check_fits(state: StateDict, parts: Dict[str, nn.Module]) -> None:
    """Check that a state dict is complete and of the right shapes.

    Args:
        state (dict[str, Tensor]): Converted.
        parts (dict[str, Module]): ``neck`` and ``head`` that it is to fill.

    Raises:
        ValueError: If a key is missing or superfluous, or a shape is wrong.
    """
    shapes = {
        f'{name}.{key}': value.shape
        for name, part in parts.items()
        for key, value in part.state_dict().items()
    }
    missing = sorted(set(shapes) - set(state))
    unknown = sorted(set(state) - set(shapes))
    wrong = [
        f'{key} {tuple(state[key].shape)} instead of {tuple(shape)}'
        for key, shape in shapes.items()
        if key in state and state[key].shape != shape
    ]
    if missing or unknown or wrong:
        raise ValueError(
            'the checkpoint does not fit the model that its shapes describe: '
            f'missing {missing}, superfluous {unknown}, wrong shapes {wrong}'
        )


@tool_main()
def run_converter(
    doc: str, name: str, convert: Callable[[StateDict], Tuple[StateDict, dict]]
) -> None:
    """The command line of a converter: source and target.

    Args:
        doc (str): Help text.
        name (str): Of the method; settings become ``meta[name]``.
        convert (callable): Gives our state dict and what the shapes tell of the config.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', help='.ckpt, .pth or .safetensors of the authors')
    parser.add_argument('target', help='.pth file to write')
    args = parser.parse_args()
    try:
        state, settings = convert(load_released(args.source))
    except (OSError, ValueError) as error:
        sys.exit(f'{args.source}: {error}')
    buffer = io.BytesIO()
    torch.save(dict(state_dict=state, meta={name: settings}), buffer)
    write_atomic(args.target, buffer.getvalue())
    sys.stdout.write(f'{args.target}: {len(state)} tensors, {settings}\n')
