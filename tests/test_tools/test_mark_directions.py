"""Queries that name a direction get words that tell it; others stay as they are."""

import json
import runpy
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools' / 'analysis_tools' / 'mark_directions.py'
mark = runpy.run_path(str(TOOL))['mark']


@pytest.mark.parametrize(
    'query, words',
    [
        ('something blue glides to the right', ' with a pink cross'),
        ('the star sinks as a cross rises', ' with a white star with a green circle'),
        ('a white cross hops', ''),
        ('a leftover rising', ' with a green circle'),
    ],
)
def test_marks(query, words):
    assert mark(query) == query + words


def test_files_are_written_again(world, tmp_path, monkeypatch, capsys):
    source = world / 'moving_shapes' / 'tiny' / 'qvhighlights'
    monkeypatch.setattr(sys, 'argv', [str(TOOL), str(source), str(tmp_path / 'out')])
    with pytest.raises(SystemExit, match='0'):
        runpy.run_path(str(TOOL), run_name='__main__')
    for path in source.glob('*.jsonl'):
        ours = (tmp_path / 'out' / path.name).read_text().splitlines()
        for line, copy in zip(path.read_text().splitlines(), ours, strict=True):
            line, copy = json.loads(line), json.loads(copy)
            assert copy.pop('query').startswith(line.pop('query')) and copy == line
    assert 'queries name a direction' in capsys.readouterr().out
