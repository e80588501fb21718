"""The command line tools for predictions."""

import json
import runpy
import sys
import warnings
import zipfile
from pathlib import Path

import pytest
from exit_status import exit_status

from mmvtg.evaluation.functional import pack_submission

TOOLS = Path(__file__).parents[2] / 'tools/analysis_tools'
TOOL, PACK = TOOLS / 'eval_predictions.py', TOOLS / 'pack_submission.py'
TRUTH = dict(qid=1, duration=20, relevant_windows=[[0, 8]])
PRED = dict(qid=1, pred_relevant_windows=[[0, 8, 0.5]])


def call(monkeypatch, tool, *arguments):
    """Run a tool in this process; its exit code."""
    monkeypatch.setattr(sys, 'argv', [str(tool), *map(str, arguments)])
    monkeypatch.setattr(warnings, 'showwarning', warnings.showwarning)
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(tool), run_name='__main__')
    return exit_status(stop.value)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    def start(submission, *options):
        for name, text in (('pred', submission), ('gt', json.dumps(TRUTH))):
            (tmp_path / f'{name}.jsonl').write_text(text + '\n')
        files = [str(tmp_path / 'pred.jsonl'), str(tmp_path / 'gt.jsonl')]
        code = call(monkeypatch, TOOL, *files, *options)
        return code, capsys.readouterr()

    return start


def test_prints_a_table_and_writes_json(run, tmp_path):
    out = tmp_path / 'metrics.json'
    code, printed = run(json.dumps(PRED), '--protocol', 'retrieval', '--out', str(out))
    assert code == 0
    assert 'R1@0.5' in printed.out and '100.00' in printed.out
    assert json.loads(out.read_text())['brief']['MR-full-mIoU'] == 100


def test_compares_with_guessing(run, tmp_path):
    code, printed = run(json.dumps(PRED), '--train', str(tmp_path / 'gt.jsonl'))
    assert code == 0
    assert 'train-set prior' in printed.out and 'whole video' in printed.out


def test_malformed_line_is_named(run):
    code, printed = run(json.dumps(PRED) + '\n{"qid": 2,')
    assert code == 1
    assert 'pred.jsonl:2' in printed.err


def test_wrong_queries_are_named(run):
    code, printed = run(json.dumps(dict(PRED, qid=9)))
    assert code == 1
    assert '1 of 1 queries are missing' in printed.err


def test_prints_the_official_json(run):
    code, printed = run(json.dumps(PRED), '--print', 'json')
    assert code == 0
    assert json.loads(printed.out)['full']['MR-mAP']['average'] == 100


def test_thresholds_ranks_and_strictness(run):
    pred = json.dumps(dict(qid=1, pred_relevant_windows=[[0, 4, 0.5]]))  # IoU 0.5
    options = ('--protocol', 'recall', '--iou', '0.4', '0.5', '--recall-at', '1')
    _, printed = run(pred, *options, '--print', 'json')
    assert json.loads(printed.out)['full']['MR-R1'] == {'0.4': 100, '0.5': 100}
    _, printed = run(pred, *options, '--strict', '--print', 'json')
    assert json.loads(printed.out)['full']['MR-R1'] == {'0.4': 100, '0.5': 0}


def test_scores_the_split_of_an_archive_that_fits(tmp_path, monkeypatch, capsys):
    other = dict(PRED, qid=2)
    archive = tmp_path / 'submission.zip'
    archive.write_bytes(pack_submission(dict(val=[other], test=[PRED])))
    truth = tmp_path / 'gt.jsonl'
    truth.write_text(json.dumps(TRUTH))
    assert call(monkeypatch, TOOL, archive, truth, '--print', 'json') == 0
    assert json.loads(capsys.readouterr().out)['brief']['MR-full-mAP'] == 100
    truth.write_text(json.dumps(dict(TRUTH, qid=3)))
    assert call(monkeypatch, TOOL, archive, truth) == 1
    assert 'hl_val_submission.jsonl (1), hl_test' in capsys.readouterr().err
    content = bytearray(archive.read_bytes())
    content[60] ^= 255  # inside of the first file
    archive.write_bytes(content)
    assert call(monkeypatch, TOOL, archive, truth) == 1
    assert 'submission.zip, hl_val_submission.jsonl' in capsys.readouterr().err


def test_scores_highlights_by_domain(tmp_path, monkeypatch, capsys):
    paths = tmp_path / 'p.jsonl', tmp_path / 'g.jsonl'
    paths[0].write_text(json.dumps(dict(qid='a', pred_saliency_scores=[2, 1])))
    paths[1].write_text(json.dumps(dict(qid='a', domain='dog', match=[1, -1])))
    assert call(monkeypatch, TOOL, *paths, '--protocol', 'youtube') == 0
    assert 'dog' in capsys.readouterr().out


FINE = dict(
    qid=1,
    vid='v',
    pred_relevant_windows=[[0.0, 4.0, 0.9], [2.0, 20.0, 0.1]],
    pred_saliency_scores=[0.5] * 10,
)


def _pack(monkeypatch, folder, entry, *options):
    paths = folder / 'val.jsonl', folder / 'annotations.jsonl'
    paths[0].write_text(json.dumps(entry))
    paths[1].write_text(json.dumps(dict(qid=1, vid='v', duration=20)))
    return call(monkeypatch, PACK, '--val', *paths, *options)


def test_packs_what_is_fine(monkeypatch, tmp_path):
    out = tmp_path / 'submission.zip'
    assert _pack(monkeypatch, tmp_path, FINE, '--out', out) == 0
    first = out.read_bytes()
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ['hl_val_submission.jsonl']
        assert json.loads(archive.read(archive.namelist()[0])) == FINE
    assert _pack(monkeypatch, tmp_path, FINE, '--out', out) == 0
    assert out.read_bytes() == first


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(vid='w'), "vid is 'w', the annotation has 'v'"),
        (dict(qid=2), '1 of 1 queries are missing'),
        (dict(pred_relevant_windows=[]), 'not a list of'),
        (dict(pred_relevant_windows=[[0.0, 4.0]]), 'not a list of'),
        (dict(pred_relevant_windows=[[0.0, 4.0, 1.0], [1.0]]), 'not a list of'),
        (dict(pred_relevant_windows=[[4.0, 2.0, 1.0]]), 'ends before it starts'),
        (dict(pred_saliency_scores=None), 'not a list of finite numbers'),
        (dict(pred_saliency_scores=[float('nan')] * 10), 'not a list of finite'),
    ],
)
def test_errors_are_named_and_nothing_is_written(
    change, message, monkeypatch, tmp_path, capsys
):
    out = tmp_path / 'submission.zip'
    assert _pack(monkeypatch, tmp_path, dict(FINE, **change), '--out', out) == 1
    printed = capsys.readouterr().err
    assert 'error: val: ' in printed and message in printed
    assert not out.exists()


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(pred_relevant_windows=[[4.0, 22.0, 1.0]]), 'leaves the video'),
        (dict(pred_relevant_windows=[[4.0, 6.0, 0.1], [1.0, 2.0, 0.2]]), 'not sorted'),
        (dict(pred_relevant_windows=[[4, 6, 0.1]]), 'whole numbers'),
        (dict(pred_saliency_scores=[0.5] * 9), '9 numbers, the video 10 clips'),
    ],
)
def test_remarks_do_not_stop_the_writing(
    change, message, monkeypatch, tmp_path, capsys
):
    out = tmp_path / 'submission.zip'
    assert _pack(monkeypatch, tmp_path, dict(FINE, **change), '--out', out) == 0
    printed = capsys.readouterr().err
    assert 'remark: val: ' in printed and message in printed
    assert out.exists()


def test_saliency_may_be_missing_if_said(monkeypatch, tmp_path):
    entry = {k: v for k, v in FINE.items() if k != 'pred_saliency_scores'}
    assert _pack(monkeypatch, tmp_path, entry, '--moments-only') == 0


def test_scores_action_detections(monkeypatch, tmp_path, capsys):
    item = dict(label='Run', segment=[0, 10])
    paths = tmp_path / 'p.json', tmp_path / 'g.json'
    paths[0].write_text(json.dumps(dict(results=dict(v=[dict(item, score=0.5)]))))
    truth = dict(database=dict(v=dict(subset='test', annotations=[item])))
    paths[1].write_text(json.dumps(truth))
    options = ('--protocol', 'detection', '--subset', 'test', '--iou', '0.3', '0.5')
    assert call(monkeypatch, TOOL, *paths, *options, '--print', 'json') == 0
    result = json.loads(capsys.readouterr().out)
    assert result['mAP'] == {'0.3': 1, '0.5': 1} and result['classes'] == {'Run': 1}
    options = ('--protocol', 'detection', '--subset', 'test', '--iou', 'thumos14')
    assert call(monkeypatch, TOOL, *paths, *options, '--print', 'table') == 0
    assert '0.3     0.4     0.5     0.6     0.7    mean' in capsys.readouterr().out
    options = ('--protocol', 'proposals', '--subset', 'test')
    assert call(monkeypatch, TOOL, *paths, *options, '--print', 'table') == 0
    assert 'AUC' in capsys.readouterr().out
    assert call(monkeypatch, TOOL, *paths, '--protocol', 'detection') == 1
    assert "subset 'validation' has no" in capsys.readouterr().err
    assert call(monkeypatch, TOOL, *paths[::-1], '--protocol', 'detection') == 1
    assert 'no object "database"' in capsys.readouterr().err


def test_ego4d_files_there_and_back(monkeypatch, tmp_path, capsys):
    truth = dict(
        qid='ann_3',
        vid='clip',
        clip_uid='clip',
        annotation_uid='ann',
        query_idx=3,
        duration=480,
        relevant_windows=[[0.0, 8.0]],
    )
    windows = [[20.0, 30.0, 0.9], [0.0, 8.0, 0.5], *[[40.0, 50.0, 0.1]] * 5]
    pred = dict(qid='ann_3', vid='clip', pred_relevant_windows=windows)
    files = tmp_path / 'pred.jsonl', tmp_path / 'gt.jsonl'
    files[0].write_text(json.dumps(pred))
    files[1].write_text(json.dumps(truth))
    out = tmp_path / 'challenge.json'
    assert call(monkeypatch, PACK, '--ego4d', *files, '--out', out) == 0
    content = json.loads(out.read_text())
    assert content['challenge'] == 'ego4d_nlq_challenge'
    [entry] = content['results']
    assert entry['predicted_times'][:2] == [[20, 30], [0, 8]]
    assert len(entry['predicted_times']) == 5 and entry['query_idx'] == 3
    capsys.readouterr()
    options = ('--protocol', 'ego4d', '--print', 'json')
    assert call(monkeypatch, TOOL, out, files[1], *options) == 0
    brief = json.loads(capsys.readouterr().out)['brief']
    assert brief['MR-full-R1@0.3'] == 0 and brief['MR-full-R5@0.5'] == 100
    files[1].write_text(json.dumps(dict(truth, clip_uid=None)))
    assert call(monkeypatch, PACK, '--ego4d', *files) == 1
    assert 'qid \'ann_3\' has no "clip_uid"' in capsys.readouterr().err
