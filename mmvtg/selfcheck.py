"""What is installed, what is broken, and the mend: ``python -m mmvtg.selfcheck``.

Nothing but the standard library is imported before the check, so that it runs where
everything else is missing.
"""

import importlib
import importlib.metadata
import platform
import sys
from pathlib import Path
from typing import List, Tuple

_REQUIREMENTS = Path(__file__).parents[1] / 'requirements'
#: Distributions whose module has another name.
_MODULES = {
    'mmcv-lite': 'mmcv',
    'mmaction2': 'mmaction',
    'open-clip-torch': 'open_clip',
    'opencv-python': 'cv2',
}
#: Other distributions that bring the same module.
_ALTERNATIVES = {
    'mmcv-lite': ('mmcv', 'onedl-mmcv'),
    'mmengine': ('onedl-mmengine',),
    'mmaction2': ('onedl-mmaction2',),
    'opencv-python': ('opencv-contrib-python', 'opencv-python-headless'),
}
_NOTES = {'decord': ' (x86-64 only)'}


def read_requirements() -> List[str]:
    """What mmvtg needs, as its distribution or its requirements files say.

    Raises:
        FileNotFoundError: It is neither installed nor run from its sources.
    """
    try:
        lines = importlib.metadata.requires('mmvtg') or []
    except importlib.metadata.PackageNotFoundError:
        files = [_REQUIREMENTS / name for name in ('mminstall.txt', 'runtime.txt')]
        lines = [line for file in files for line in file.read_text().splitlines()]
    return [line for line in lines if line and not line.startswith('#')]


def _version(module: object, distribution: str) -> str:
    for name in (distribution, *_ALTERNATIVES.get(distribution, ())):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return getattr(module, '__version__', '0')


def check_package(requirement: str) -> Tuple[bool, str]:
    """Import one requirement and compare its version.

    Args:
        requirement (str): As in a requirements file, ``mmengine>=0.10.7,<0.11``.

    Returns:
        tuple[bool, str]: Whether it can be used, and a line that says so.
    """
    from packaging.requirements import Requirement

    wanted = Requirement(requirement)
    if wanted.marker and not wanted.marker.evaluate({'extra': ''}):
        return True, f'{wanted.name:<18} not needed here'
    distribution = wanted.name.lower().replace('_', '-')
    module = _MODULES.get(distribution, distribution.replace('-', '_'))
    name = f'{wanted.name:<18}'
    note = _NOTES.get(distribution, '')
    remedy = f'pip install "{wanted.name}{wanted.specifier}"{note}'
    try:
        loaded = importlib.import_module(module)
    except ImportError as error:
        if error.name == module:
            return False, f'{name} MISSING  {error}. Mend: {remedy}'
        return False, f'{name} BROKEN   {error}. Mend: {remedy}'
    except Exception as error:  # a broken package may fail in any way
        return False, f'{name} BROKEN   {error}. Mend: reinstall it, {remedy}'
    version = _version(loaded, distribution)
    if not wanted.specifier.contains(version, prereleases=True):
        return False, f'{name} {version}  is not {wanted.specifier}. Mend: {remedy}'
    return True, f'{name} {version}'


def check_packages() -> bool:
    """Print a line a requirement; returns whether all can be used."""
    print('\npackages')
    try:
        importlib.import_module('packaging.requirements')
        requirements = read_requirements()
    except ImportError as error:
        print(
            f'  BAD packaging          MISSING  {error}. Mend: pip install "packaging"'
        )
        return False
    except FileNotFoundError as error:
        print(f'  BAD no list of what mmvtg needs: {error}. Mend: pip install -e .')
        return False
    results = [check_package(line) for line in requirements if 'extra ==' not in line]
    for fine, line in results:
        print(f'  {"ok " if fine else "BAD"} {line}')
    return all(fine for fine, _ in results)


def check_parts() -> bool:
    """Print the mends and how many parts there are; returns whether mmvtg imports."""
    try:
        from mmvtg.compat import apply_mends

        mends = apply_mends()
        from mmvtg import registry

        registry.register_all_modules()
    except Exception as error:
        print(f'\n  BAD mmvtg cannot be imported as a whole: {error!r}')
        return False
    print('\nmends (made by `import mmvtg`)')
    for name, needed in mends.items():
        print(f'  {"made      " if needed else "not needed"} {name}')
    print('\nparts')
    for name in ('MODELS', 'DATASETS', 'TRANSFORMS', 'METRICS', 'HOOKS'):
        own = getattr(registry, name)
        print(f'  {name:<11}{len(own.module_dict):>4} of mmvtg')
    return True


def _count_accelerators() -> str:
    try:
        import torch

        count = torch.cuda.device_count()
    except Exception:  # the list of packages says what is wrong with torch
        return 'unknown without torch'
    return str(count) if count else 'none, everything runs on the CPU'


def main() -> int:
    """Print the check; returns 0 if everything that mmvtg needs is there."""
    from mmvtg.version import __version__

    print(f'mmvtg {__version__}, Python {platform.python_version()}')
    print(f'accelerators: {_count_accelerators()}')
    fine = check_packages()
    fine = check_parts() and fine
    print('\neverything is in place' if fine else '\nsee the lines marked BAD')
    return 0 if fine else 1


if __name__ == '__main__':
    sys.exit(main())
