"""Packaging; what setuptools cannot read from pyproject.toml's tool settings."""

import os
import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
#: What `mim` looks for inside of the installed package.
MIM_PARTS = ('configs', 'tools', 'demo', 'model-index.yml')


def read_requirements(name):
    lines = (ROOT / 'requirements' / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]


def read_version():
    text = (ROOT / 'mmvtg' / 'version.py').read_text()
    return re.search(r"__version__ = '(.+)'", text)[1]


class BuildWithMim(build_py):
    """Puts configs and tools into the package as ``mmvtg/.mim``.

    An editable install gets links, so that an edited config is the one that runs.
    """

    def run(self):
        super().run()
        editable = getattr(self, 'editable_mode', False)
        target = (ROOT if editable else Path(self.build_lib)) / 'mmvtg' / '.mim'
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for part in MIM_PARTS:
            source = ROOT / part
            if editable:
                os.symlink(os.path.relpath(source, target), target / part)
            elif source.is_dir():
                ignore = shutil.ignore_patterns('__pycache__', '*.pyc')
                shutil.copytree(source, target / part, ignore=ignore)
            else:
                shutil.copy(source, target / part)


setup(
    name='mmvtg',
    version=read_version(),
    description='Video temporal grounding on OpenMMLab: say what, learn when',
    long_description=(ROOT / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['mmvtg', 'mmvtg.*']),
    package_data={
        'mmvtg': [
            'models/towers/clip_zoo/*',
            'models/towers/slowfast_zoo/*',
            'weights/*',
        ]
    },
    python_requires='>=3.10',
    install_requires=read_requirements('mminstall.txt')
    + read_requirements('runtime.txt'),
    extras_require={
        'tests': read_requirements('tests.txt'),
        'export': ['onnx', 'onnxruntime', 'onnxscript'],  # tools/deployment
        'docs': read_requirements('docs.txt'),  # make docs
        'web': ['gradio>=6'],  # demo/web
        'ray': ['ray>=2.9'],  # tools/extract_features.py --engine ray
    },
    cmdclass={'build_py': BuildWithMim},
    zip_safe=False,
)
