"""What is installed, what is broken, and the mend: ``python -m mmvtg.selfcheck``."""

import importlib
import importlib.metadata
import platform
import sys
from typing import List, Optional, Tuple

from mmengine.utils import digit_version

#: module, distribution, lowest version, first version that is too new, remedy
REQUIREMENTS: List[Tuple[str, str, str, Optional[str], str]] = [
    ('torch', 'torch', '2.1', None, 'pip install "torch>=2.1"'),
    ('torchvision', 'torchvision', '0.16', None, 'pip install "torchvision>=0.16"'),
    ('mmengine', 'mmengine', '0.10.7', '0.11', 'pip install "mmengine>=0.10.7,<0.11"'),
    ('mmcv', 'mmcv-lite', '2.1.0', '2.2.0', 'pip install "mmcv-lite>=2.1.0,<2.2.0"'),
    ('mmaction', 'mmaction2', '1.2.0', '1.3.0', 'pip install "mmaction2>=1.2,<1.3"'),
    ('open_clip', 'open_clip_torch', '2.24', '5', 'pip install open_clip_torch'),
    ('decord', 'decord', '0.6.0', None, 'pip install decord (x86-64 only)'),
    ('spacy', 'spacy', '3.8', '3.9', 'pip install "spacy>=3.8,<3.9"'),
    ('cv2', 'opencv-python', '4.5', None, 'pip install opencv-python'),
    ('av', 'av', '10', None, 'pip install av'),
    ('matplotlib', 'matplotlib', '3.5', None, 'pip install matplotlib'),
]


def _version(module: object, distributions: List[str]) -> str:
    for name in distributions:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return getattr(module, '__version__', '0')


def check_package(
    module: str, distribution: str, low: str, high: Optional[str], remedy: str
) -> Tuple[bool, str]:
    """Import one requirement and compare its version.

    Returns:
        tuple[bool, str]: Whether it can be used, and a line that says so.
    """
    name = f'{distribution:<16}'
    try:
        loaded = importlib.import_module(module)
    except ImportError as error:
        return False, f'{name} MISSING  {error}. Mend: {remedy}'
    except Exception as error:  # a broken package may fail in any way
        return False, f'{name} BROKEN   {error}. Mend: reinstall it, {remedy}'
    alternatives = ['mmcv', 'onedl-mmcv'] if module == 'mmcv' else [f'onedl-{module}']
    version = _version(loaded, [distribution, *alternatives])
    if digit_version(version.split('+')[0]) < digit_version(low):
        return False, f'{name} {version}  is older than {low}. Mend: {remedy}'
    if high and digit_version(version.split('+')[0]) >= digit_version(high):
        return False, f'{name} {version}  is not below {high}. Mend: {remedy}'
    return True, f'{name} {version}'


def main() -> int:
    """Print the check; returns 0 if everything that mmvtg needs is there."""
    import torch

    import mmvtg
    from mmvtg.compat import apply_mends

    print(f'mmvtg {mmvtg.__version__}, Python {platform.python_version()}')
    devices = torch.cuda.device_count()
    print(f'accelerators: {devices if devices else "none, everything runs on the CPU"}')
    print('\npackages')
    results = [check_package(*requirement) for requirement in REQUIREMENTS]
    for fine, line in results:
        print(f'  {"ok " if fine else "BAD"} {line}')
    print('\nmends (made by `import mmvtg`)')
    for name, needed in apply_mends().items():
        print(f'  {"made      " if needed else "not needed"} {name}')
    print('\nparts')
    try:
        from mmvtg import registry

        registry.register_all_modules()
    except Exception as error:
        print(f'  BAD mmvtg cannot be imported as a whole: {error!r}')
        return 1
    for name in ('MODELS', 'DATASETS', 'TRANSFORMS', 'METRICS', 'HOOKS'):
        own = getattr(registry, name)
        print(f'  {name:<11}{len(own.module_dict):>4} of mmvtg')
    fine = all(fine for fine, _ in results)
    print('\neverything is in place' if fine else '\nsee the lines marked BAD')
    return 0 if fine else 1


if __name__ == '__main__':
    sys.exit(main())
