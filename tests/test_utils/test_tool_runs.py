"""Tools that run tools: logs, failures, what a test wrote, means over runs."""

import json

import pytest

from mmvtg.utils.tool_runs import call_tool, newest_metrics, spread, spread_text


def test_output_goes_to_a_log(tmp_path):
    tool = tmp_path / 'train.py'
    tool.write_text('import os, sys; print(sys.argv[1], os.environ["WHERE"])')
    call_tool(str(tool), ['with'], str(tmp_path / 'new'), {'WHERE': 'here'})
    assert (tmp_path / 'new' / 'train.out').read_text() == 'with here\n'


def test_failed_training_is_named(tmp_path):
    (tmp_path / 'train.py').write_text('raise SystemExit("no such data")')
    with pytest.raises(RuntimeError, match='(?s)train.py failed.*no such data'):
        call_tool(str(tmp_path / 'train.py'), [], str(tmp_path))


def test_metrics_of_the_last_test(tmp_path):
    with pytest.raises(FileNotFoundError, match='no metrics'):
        newest_metrics(str(tmp_path))
    folder = tmp_path / '20260101'
    folder.mkdir()
    (folder / '20260101.json').write_text(json.dumps(dict(mAP=3.0, name='x')))
    (folder / 'detections.json').write_text(json.dumps([1]))
    assert newest_metrics(str(tmp_path)) == dict(mAP=3.0)


def test_spread():
    assert spread([10.0, 20.0]) == dict(mean=15.0, std=pytest.approx(50**0.5))
    assert spread_text(**spread([10.0, 20.0])) == '15.00 ± 7.07'
    assert spread_text(**spread([10.0])) == '10.00'
