"""What docs/custom_data.md shows is run."""

import re

import numpy as np
import pytest
import torch
from mmengine.config import Config
from tiny_world import ROOT

from mmvtg.datasets.encoding_spec import parse_encoding
from mmvtg.encoding.streams import check_towers
from mmvtg.models.towers import CLIPVisionTower
from mmvtg.registry import DATASETS, MODELS

PAGE = (ROOT / 'docs/custom_data.md').read_text()
DATA_SET, CONFIG, HOOK, STREAMS = re.findall(r'```python\n(.*?)```', PAGE, re.DOTALL)


@pytest.fixture
def table(make_store, line):
    """Stored features of two videos and a table that names them."""
    folder = make_store([line(2), line(3)])
    rows = [
        'video,duration,start,end,query',
        'v2,40,4,10,it stops',
        'v3,40,8,40,it goes',
    ]
    (folder / 'moments.csv').write_text('\n'.join(rows) + '\n')
    exec(DATA_SET, {})
    yield folder
    DATASETS.module_dict.pop('CSVMoments')


def dataset_of(folder):
    (folder / 'config.py').write_text(
        CONFIG.replace("imports=['my_data']", 'imports=[]')
    )
    return dict(Config.fromfile(folder / 'config.py').dataset, data_root=str(folder))


def test_the_data_set_reads_its_table(table):
    dataset = DATASETS.build(dataset_of(table))
    sample = dataset[1]['data_samples']
    assert len(dataset) == 2 and sample.query == 'it goes' and sample.query_id == 3
    assert sample.gt_moments.spans.tolist() == [[8, 40]]
    assert (
        sample.gt_saliency.tolist() == [0] * 4 + [1] * 16
    )  # of the window, as 2 s clips


def test_the_data_set_names_a_bad_line(table):
    with open(table / 'moments.csv', 'a') as file:
        file.write('v3,40,nan,4,it goes\n')
    with pytest.raises(ValueError, match=r'moments.csv:4'):
        DATASETS.build(dataset_of(table))


def test_the_hook_learns_in_a_frozen_tower():
    exec(HOOK, {})
    try:
        hook = dict(type='LearnedGain', width=128, layer=2)
        tower = CLIPVisionTower('tiny-clip', 'shipped', hooks=[hook])
        frames = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
        runs = torch.zeros(2, dtype=torch.int64)
        pooled, _, _ = tower.encode_runs(frames, runs)
        pooled.sum().backward()
        gradients = {name: p.grad for name, p in tower.named_parameters()}
        learned = [name for name, grad in gradients.items() if grad is not None]
        assert len(learned) == 1 and learned[0].endswith('gain')
        assert gradients[learned[0]].abs().max() > 0
        plain, _, _ = CLIPVisionTower('tiny-clip', 'shipped').encode_runs(frames, runs)
        assert torch.allclose(pooled, plain, atol=1e-5)  # all gains are 1 at the start
    finally:
        MODELS.module_dict.pop('LearnedGain')


def test_the_streams_are_joined(tmp_path, make_store, line):
    folder = make_store([line(0)])
    settings: dict = {}
    exec(STREAMS, settings)
    for name, shape in (
        ('clip', (20, 512)),
        ('audio', (40, 2048)),
        ('query', (6, 512)),
    ):
        (folder / name).mkdir(exist_ok=True)
        file = '0.npy' if name == 'query' else 'v0.npy'
        np.save(folder / name / file, np.ones(shape, np.float32))
    dataset = DATASETS.build(
        dict(
            type='GroundingDataset',
            ann_file='train.jsonl',
            data_root=str(folder),
            fps=0.5,
            pipeline=[
                dict(type='LoadStoredFeatures'),
                dict(type='PackGroundingInputs'),
            ],
            **{k: settings[k] for k in ('data_prefix', 'file_names', 'encoding')},
        )
    )
    video = dataset[0]['inputs']['video']
    assert video.shape == (20, 1, 1, 512 + 2048)
    assert torch.allclose(video[..., :512].norm(dim=-1), torch.tensor(1.0))
    spec = parse_encoding(settings['encoding'])
    with pytest.raises(ValueError, match='clip features, .*encoding.streams.clip'):
        check_towers(spec, 0.5)
