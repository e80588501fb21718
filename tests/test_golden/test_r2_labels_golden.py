"""Training targets against those that the authors' code made."""

import json

import numpy as np
import pytest
from golden_files import golden_folder
from safetensors.numpy import load_file
from tolerances import TARGET, close

from mmvtg.datasets.annotations import parse_sample
from mmvtg.datasets.transforms import CleanMoments, SaliencyTarget

FILE = golden_folder('r2_tuning') / 'labels.inputs.json'
ITEMS = json.loads(FILE.read_text())


@pytest.mark.parametrize('item', ITEMS, ids=lambda item: str(item['id']))
def test_golden_r2_labels(item):
    expected = load_file(str(FILE).replace('inputs.json', 'outputs.safetensors'))
    clip_length = 1 / item['fps']
    sample = parse_sample(dict(item, vid='v', query='q'), 'golden', clip_length)
    results = dict(sample, fps=item['fps'], num_clips=item['num_frames'])
    results = CleanMoments().transform(results)
    key = f'{item["id"]}.'
    boundary = expected[key + 'boundary']
    close(results['moments'], boundary, TARGET)
    results = SaliencyTarget().transform(results)
    close(results['saliency'], expected[key + 'saliency'], TARGET)
    assert np.array_equal(results['positive_clips'], expected[key + 'pos_candidates'])
