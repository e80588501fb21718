"""Files of an attacker: each runs code, or writes a file, if its reader lets it."""

import os
import pickle
import subprocess
import sys
import types
from contextlib import contextmanager
from pathlib import Path

import torch


class Touch:
    """A value that makes a file when it is unpickled."""

    def __init__(self, mark: Path, by: str = 'os') -> None:
        self.mark, self.by = str(mark), by

    def __reduce__(self):
        if self.by == 'os':
            return os.system, (f'touch {self.mark}',)
        if self.by == 'subprocess':
            return subprocess.call, (['touch', self.mark],)
        return eval, (f'open({self.mark!r}, "w")',)


def write_pickle(path: Path, mark: Path, by: str = 'os', legacy: bool = False) -> None:
    """Write a checkpoint of torch that makes a file when it is unpickled."""
    content = dict(state_dict={'w': torch.ones(2)}, options=Touch(mark, by))
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)


def write_raw_pickle(path: Path, mark: Path) -> None:
    path.write_bytes(pickle.dumps(dict(state_dict=Touch(mark))))


def write_torchscript(path: Path, mark: Path) -> None:
    """Write a TorchScript archive that writes a file when it is loaded."""
    code = path.with_suffix('.source.py')  # TorchScript reads the source of a class
    code.write_text(
        'from typing import Tuple\n'
        'import torch\n\n'
        'class Weights(torch.nn.Module):\n'
        '    def __init__(self):\n'
        '        super().__init__()\n'
        '        self.w = torch.nn.Parameter(torch.ones(2))\n\n'
        '    @torch.jit.export\n'
        '    def __getstate__(self) -> Tuple[torch.Tensor, bool]:\n'
        '        return self.w, self.training\n\n'
        '    @torch.jit.export\n'
        '    def __setstate__(self, state: Tuple[torch.Tensor, bool]) -> None:\n'
        '        self.w = state[0]\n'
        '        self.training = state[1]\n'
        f'        torch.save(state[0], {str(mark)!r})\n\n'
        '    def forward(self, x):\n'
        '        return x\n'
    )
    module = types.ModuleType('weights_of_an_attacker')
    module.__file__ = str(code)
    sys.modules[module.__name__] = module
    try:
        exec(compile(code.read_text(), str(code), 'exec'), module.__dict__)
        scripted = torch.jit.script(module.Weights())
    finally:
        del sys.modules[module.__name__]
    scripted.save(str(path))


class EasyDict(dict):
    """The dict of the package easydict, which need not be installed to read it."""

    def __init__(self, **items):
        super().__init__(items)
        self.__dict__.update(items)


EasyDict.__module__ = 'easydict'


@contextmanager
def easydict_installed():
    """Let objects of easydict be pickled."""
    module = types.ModuleType('easydict')
    module.EasyDict = EasyDict
    sys.modules['easydict'] = module
    try:
        yield
    finally:
        sys.modules.pop('easydict', None)
