"""The metric maths without torch, mmengine or the rest of mmvtg."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / 'mmvtg/evaluation'
PROGRAM = """
import sys

for name in ('torch', 'mmengine', 'mmvtg', 'mmcv', 'mmaction'):
    sys.modules[name] = None  # importing it raises ImportError
sys.path.insert(0, sys.argv[1])
before = set(sys.modules)
import functional

gt = [dict(qid=1, duration=20, relevant_windows=[[0, 8]])]
pred = [dict(qid=1, pred_relevant_windows=[[0, 8, 0.5]])]
result = functional.evaluate_submission(pred, gt, 'recall')
assert result['brief']['MR-full-mIoU'] == 100
for name in functional.__all__:
    getattr(functional, name)
installed = {
    name.partition('.')[0]
    for name in set(sys.modules) - before
    if 'site-packages' in (getattr(sys.modules[name], '__file__', None) or '')
}
assert installed <= {'numpy'}, installed
"""


def test_functional_needs_numpy_only():
    subprocess.run([sys.executable, '-c', PROGRAM, str(FOLDER)], check=True, timeout=60)
