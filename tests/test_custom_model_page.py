"""What docs/custom_model.md shows is run."""

import re
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from test_configs import make_batch

from mmvtg.registry import MODELS

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(
    r'```python\n(.*?)```', (ROOT / 'docs/custom_model.md').read_text(), re.DOTALL
)


@pytest.fixture
def config(tmp_path, monkeypatch):
    code, config = BLOCKS
    (tmp_path / 'my_model.py').write_text(code)
    (tmp_path / 'my_config.py').write_text(
        config.replace('configs/', f'{ROOT}/configs/')
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield Config.fromfile(str(tmp_path / 'my_config.py'))
    sys.modules.pop('my_model', None)
    for name in ('AddQueryNeck', 'WindowHead'):
        MODELS.module_dict.pop(name, None)


def train_and_predict(config):
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    data = model.data_preprocessor(make_batch(config), training=True)
    sum(model(**data, mode='loss').values()).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    model.eval()
    return model(**data, mode='predict')


def test_the_page_example_trains_and_predicts(config):
    assert len(BLOCKS[0].splitlines()) < 60
    for sample in train_and_predict(config):
        ((start, end),) = sample.pred_moments.spans.tolist()
        assert 0 <= start < end <= sample.duration
        assert len(sample.pred_saliency) == sample.num_clips


def test_parts_of_two_methods_mix():
    (path,) = ROOT.glob('configs/qd_detr/*_moving-shapes.py')
    config = Config.fromfile(str(path))
    decoder = dict(type='QueryDecoder', see_words=False, layer=config.layer)
    config.model.head.decoder = decoder
    assert len(train_and_predict(config)[0].pred_moments.spans) == 10


def test_names_in_the_tables_are_registered():
    page = (ROOT / 'docs/custom_model.md').read_text()
    table = page[page.index('| part |') : page.index('They mix')]
    from mmvtg.registry import TASK_UTILS

    names = re.findall(r'`(\w+)`', table)
    assert len(names) > 15
    for name in names:
        assert MODELS.get(name) or TASK_UTILS.get(name), name
