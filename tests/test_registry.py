"""The registries know our parts, the siblings', and near names."""

import subprocess
import sys

import pytest

from mmvtg.registry import HOOKS, MODELS, TRANSFORMS


def test_a_misspelt_name_gets_a_near_one():
    with pytest.raises(KeyError, match='VideoGroundr.*did you mean VideoGrounder'):
        MODELS.build(dict(type='VideoGroundr'))


def test_a_name_like_nothing_says_where_siblings_are():
    with pytest.raises(KeyError, match=r'mmaction\.BMN'):
        TRANSFORMS.build(dict(type='qqqqqqqq'))


def test_parts_of_mmengine_need_no_scope():
    assert HOOKS.build(dict(type='EMAHook')).__class__.__name__ == 'EMAHook'


def test_register_all_modules_sets_the_scope():
    code = (
        'from mmvtg.utils import register_all_modules as r; r();'
        'from mmengine.registry import DefaultScope as D;'
        'assert D.get_current_instance().scope_name == "mmvtg";'
        'from mmvtg.registry import MODELS as M; assert "VideoGrounder" in M'
    )
    subprocess.run([sys.executable, '-c', code], check=True)
