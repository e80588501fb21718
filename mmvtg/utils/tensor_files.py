"""Reading of files of tensors from elsewhere, without running anything in them.

A pickle names functions and classes that its reader imports and calls. The readers here
only build tensors and plain values: other classes become plain dicts, or are refused.
"""

import io
import pickle
import pickletools
import re
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, Any

import torch
from torch import Tensor

#: Sentences of torch that name an object of a refused file.
_NAMED = (
    r'Unsupported global: GLOBAL (\S+)',
    r'unsupported GLOBAL (\S+)',
    r'unrecognized function <[\w ]+ (\S+?)>',
)
#: Pickles before the one with the tensors, in files of torch < 1.6.
_LEGACY_HEADERS = 3
#: What torch reads of an archive, besides the folder of its tensors.
_DATA = ('data.pkl', 'version', '.data/version', 'byteorder')
#: Attributes of torch's own state dicts.
_NO_VALUES = ('_metadata',)


class CheckpointError(ValueError):
    """A checkpoint that cannot be read, or that does not fit the model."""


class _Refused(Exception):
    """An object that is not plain data; the message is its name."""


def load_tensors(path: str, map_location: Any = None) -> Any:
    """Load a file of ``torch.save`` or a ``.safetensors`` file.

    Args:
        path (str): File.
        map_location: As for ``torch.load``.

    Returns:
        Tensors and plain values as they were saved.

    Raises:
        CheckpointError: If the file is damaged, or holds objects that are not plain
            data; the message is the reason, without the path.
    """
    if path.endswith('.safetensors'):
        return _load_safetensors(path, map_location)
    with _explained():
        if is_torchscript(path):  # torch < 2.6 would run it
            raise CheckpointError('it is a TorchScript archive, which is a program')
        return torch.load(path, map_location=map_location, weights_only=True)


def load_foreign(path: str) -> Any:
    """Load a file of another project, such as :func:`load_tensors` refuses.

    Objects of unknown classes that hold nothing but values (``EasyDict``,
    ``argparse.Namespace``) become dicts; the classes are neither imported nor called.

    Args:
        path (str): File of ``torch.save`` or TorchScript, or ``.safetensors`` file.

    Returns:
        Tensors on the CPU and plain values; the parameters and buffers of a TorchScript
        archive by name.

    Raises:
        CheckpointError: See :func:`load_tensors`.
    """
    if path.endswith('.safetensors'):
        return _load_safetensors(path, 'cpu')
    with _explained():
        if is_torchscript(path):
            return _tensors_of(path)
        with open(path, 'rb') as file:
            return _as_dicts(_load_plain(file))


def is_torchscript(path: str) -> bool:
    """Return True if a file is a TorchScript archive, which has code of its own."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(
            '/code/' in name or name.endswith('/constants.pkl')
            for name in archive.namelist()
        )


@contextmanager
def _explained() -> Iterator[None]:
    """Turn any error of a reader into a CheckpointError whose message is the reason.

    torch's own messages are not repeated: they advise to switch safe loading off.
    """
    try:
        yield
    except (FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception as error:  # rubbish makes an unpickler raise almost anything
        raise CheckpointError(explain(error)) from None


def explain(error: Exception) -> str:
    """Return why a reader refused a file, without torch's advice."""
    text = str(error)
    if isinstance(error, _Refused):
        return f'it holds {text}, which is not plain data'
    for pattern in _NAMED:
        match = re.search(pattern, text)
        if match:
            return f'it holds {match[1]}, which is not plain data'
    if isinstance(error, CheckpointError):
        return text
    if 'Weights only load failed' in text and 'Unsupported operand' not in text:
        return 'it holds objects that are not plain data'
    return 'it is damaged, or not a file of torch.save'


def _load_safetensors(path: str, map_location: Any) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise CheckpointError(f'it is damaged ({error})') from error
    # The format keeps no devices that a dict or function could map from.
    if isinstance(map_location, (str, torch.device)):
        weights = {name: value.to(map_location) for name, value in weights.items()}
    return weights


def _load_plain(file: IO[bytes]) -> Any:
    """Load with torch's safe unpickler, with stand-ins for unknown classes."""
    if not hasattr(torch.serialization, 'get_unsafe_globals_in_checkpoint'):
        try:  # torch < 2.6 has no stand-ins
            return torch.load(file, map_location='cpu', weights_only=True)
        except pickle.UnpicklingError as error:
            raise CheckpointError(
                f'{explain(error)}; torch 2.6 or newer may read the weights beside it'
            ) from None
    known = {_name_of(entry) for entry in torch.serialization.get_safe_globals()}
    names = _names_in(file) - known
    file.seek(0)
    stand_ins: list[Any] = [(_stand_in(name), name) for name in sorted(names)]
    with torch.serialization.safe_globals(stand_ins):
        return torch.load(file, map_location='cpu', weights_only=True)


def _name_of(entry: Any) -> str:
    """Return the name of a global that torch counts as safe."""
    if isinstance(entry, tuple):
        return entry[1]
    return f'{entry.__module__}.{entry.__qualname__}'


def _names_in(file: IO[bytes]) -> set[str]:
    """Return the names of classes and functions in the pickle of a file."""
    pickles: list[IO[bytes]] = [file] * (_LEGACY_HEADERS + 1)
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            names = [n for n in archive.namelist() if n.endswith('data.pkl')]
            pickles = [io.BytesIO(archive.read(name)) for name in names]
    else:
        file.seek(0)
    return {
        # Names of Python 2, which torch writes, are replaced.
        re.sub(r'^__builtin__\b', 'builtins', str(value).replace(' ', '.'))
        for one in pickles
        for code, value, _ in pickletools.genops(one)
        if code.name == 'GLOBAL'
    }


def _stand_in(name: str) -> Callable[..., Any]:
    """Return what takes the place of a class or function of this name."""
    if name in ('pathlib.PosixPath', 'pathlib.WindowsPath', 'pathlib.PurePosixPath'):
        return lambda *parts: str(PurePosixPath(*parts))
    if name == 'collections.defaultdict':
        return lambda *factory: {}
    if name.startswith('torch.jit._pickle.'):  # marks the type of a list
        return lambda values, *tag: values

    class StandIn:
        # Torch's unpickler fills only OrderedDicts, not other classes of dicts.
        def __new__(cls, *args: Any) -> Any:
            if args:  # a call with values, which only the real class understands
                raise _Refused(name)
            return OrderedDict()

    return StandIn


def _as_dicts(value: Any) -> Any:
    """Return values in which stand-ins are dicts of their items and attributes."""
    if isinstance(value, dict):
        items = {key: _as_dicts(one) for key, one in value.items()}
        for key, one in getattr(value, '__dict__', {}).items():
            if key not in _NO_VALUES:
                items.setdefault(key, _as_dicts(one))
        return items
    if type(value) in (list, tuple):
        return type(value)(map(_as_dicts, value))
    return value


def _without_code(path: str) -> IO[bytes]:
    """Return a TorchScript archive as a file of ``torch.save``: only its data."""
    copied = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(copied, 'w') as target:
        for info in source.infolist():
            root, _, name = info.filename.partition('/')
            if name in _DATA or name.startswith('data/'):
                target.writestr(f'{root}/{name}', source.read(info))
    copied.seek(0)
    return copied


def _tensors_of(path: str) -> dict[str, Tensor]:
    """Return the tensors of a TorchScript module and of its submodules, by name."""
    try:
        module = _load_plain(_without_code(path))
    except (TypeError, ValueError) as error:  # state that no attributes hold
        raise CheckpointError(
            'it is a TorchScript archive that needs its own code to be read'
        ) from error
    found: dict[str, Tensor] = {}
    waiting = [('', module)]
    while waiting:
        prefix, part = waiting.pop()
        for name, value in vars(part).items():
            if isinstance(value, Tensor):
                found[prefix + name] = value
            elif isinstance(value, OrderedDict):
                waiting.append((f'{prefix}{name}.', value))
    return found
