"""Scores by group of queries, and the tool that shows them."""

import json
import runpy
import sys
from pathlib import Path

import pytest
from exit_status import exit_status

from mmvtg.datasets.moving_shapes.vocabulary import VERBS, direction_patterns
from mmvtg.evaluation.functional import (
    SubmissionError,
    evaluate_groups,
    evaluate_submission,
    group_by_field,
    group_by_pattern,
)
from mmvtg.evaluation.functional.table import format_groups

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/score_groups.py'
QUERIES = {
    1: 'the box slides to the left',
    2: 'a ball is growing while the star spins',
    3: 'the star twinkles',
    4: 'A Cross Goes Up',
}


@pytest.fixture
def truth():
    return [
        dict(
            qid=qid,
            query=query,
            vid=f'v{qid}',
            duration=20,
            relevant_windows=[[2, 8]] * (1 + qid % 2),
            domain='odd' if qid % 2 else 'even',
        )
        for qid, query in QUERIES.items()
    ]


@pytest.fixture
def submission():
    """Queries 1 and 3 are found, 2 and 4 are not."""
    return [
        dict(qid=qid, pred_relevant_windows=[[2, 8, 1.0] if qid % 2 else [12, 18, 1.0]])
        for qid in reversed(QUERIES)
    ]


def test_fields(truth):
    groups = group_by_field(truth, 'domain')
    assert groups == {'domain even': {2, 4}, 'domain odd': {1, 3}}
    assert group_by_field(truth, 'relevant_windows') == {
        'relevant_windows 1': {2, 4},
        'relevant_windows 2': {1, 3},
    }
    del truth[0]['domain']
    groups = group_by_field(truth, 'domain')
    assert list(groups)[-1] == 'rest' and groups['rest'] == {1}
    with pytest.raises(ValueError, match="no annotation has the field 'colour'"):
        group_by_field(truth, 'colour')


def test_patterns(truth):
    groups = group_by_pattern(truth, {'left': r'\bleft\b', 'star': 'star', 'up': 'up$'})
    assert groups == {'left': {1}, 'star': {2, 3}, 'up': {4}}
    assert group_by_pattern(truth, {'left': 'left'})['rest'] == {2, 3, 4}
    with pytest.raises(ValueError, match="group 'x': 'zebra' finds none"):
        group_by_pattern(truth, {'x': 'zebra'})
    with pytest.raises(ValueError, match=r"group 'x': '\('"):
        group_by_pattern(truth, {'x': '('})


def test_directions_of_moving_shapes(truth):
    groups = group_by_pattern(truth, direction_patterns())
    assert groups['left or right'] == {1} and groups['up or down'] == {4}
    assert groups['bigger or smaller'] == {2}
    assert groups['any direction'] == {1, 2, 4} and groups['rest'] == {3}


def test_every_verb_has_the_group_of_its_action():
    wanted = dict.fromkeys(('slide_left', 'slide_right'), 'left or right')
    wanted.update(dict.fromkeys(('rise', 'sink'), 'up or down'))
    wanted.update(dict.fromkeys(('grow', 'shrink'), 'bigger or smaller'))
    for action, words in VERBS.items():
        for phrase in ' / '.join(words.train + words.heldout).split(' / '):
            truth = [dict(qid=0, query=f'the red star {phrase}')]
            found = {
                name
                for name, pattern in direction_patterns().items()
                if name != 'any direction' and _finds(truth, pattern)
            }
            assert found == ({wanted[action]} if action in wanted else set()), phrase


def _finds(truth, pattern):
    try:
        return bool(group_by_pattern(truth, {'x': pattern})['x'])
    except ValueError:
        return False


def test_a_group_is_scored_as_if_it_were_alone(truth, submission):
    groups = dict(found={1, 3}, lost={2, 4})
    results = evaluate_groups(submission, truth, groups, 'retrieval')
    assert list(results) == ['found', 'lost', 'all']
    assert [part['queries'] for part in results.values()] == [2, 2, 4]
    recall = [part['full']['MR-R1']['0.5'] for part in results.values()]
    assert recall == [100, 0, 50]
    alone = evaluate_submission(
        [p for p in submission if p['qid'] % 2], truth[::2], 'retrieval'
    )
    found = dict(results['found'])
    assert found.pop('queries') == 2 and found == alone
    with pytest.raises(SubmissionError, match='missing'):
        evaluate_groups(submission[1:], truth, groups)


def test_table_has_a_line_a_group(truth, submission):
    results = evaluate_groups(submission, truth, dict(found={1, 3}), 'retrieval')
    lines = format_groups(results).splitlines()
    assert lines[0].split()[:3] == ['group', 'queries', 'R1@0.3']
    assert lines[1].split()[:3] == ['found', '2', '100.00']
    assert lines[2].split()[:3] == ['all', '4', '50.00']


@pytest.fixture
def files(tmp_path, truth, submission):
    paths = []
    for name, rows in (('pred', submission), ('truth', truth)):
        paths.append(str(tmp_path / f'{name}.jsonl'))
        Path(paths[-1]).write_text('\n'.join(map(json.dumps, rows)))
    return paths


def run_tool(monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', ['score_groups', *args])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(TOOL), run_name='__main__')
    return exit_status(ended.value)


def test_tool(files, tmp_path, monkeypatch, capsys):
    out = str(tmp_path / 'groups.json')
    assert run_tool(monkeypatch, *files, '--directions', '--out', out) == 0
    shown = capsys.readouterr().out
    assert 'any direction' in shown and 'rest' in shown
    assert json.loads(Path(out).read_text())['all']['queries'] == 4
    pattern = ['--pattern', 'stars=star', '--pattern', 'left=left$']
    assert run_tool(monkeypatch, *files, *pattern) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        'group', 'stars', 'left', 'rest', 'all'
    ]  # fmt: skip
    assert run_tool(monkeypatch, *files, '--field', 'domain') == 0
    assert 'domain odd' in capsys.readouterr().out
    assert run_tool(monkeypatch, *files, '--pattern', 'star') == 1
    assert 'want NAME=REGEX' in capsys.readouterr().err
