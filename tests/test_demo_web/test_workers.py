"""Questions that hang, and visitors that mean harm."""

import threading
import time

import pytest
from answering import MAX_QUERY, Trouble, check_query
from mmengine.config import Config
from workers import Workers


@pytest.fixture
def odd_config(bright_config, tmp_path) -> str:
    """Config of a model that hangs, dies or fails if the query says so."""
    config = Config.fromfile(bright_config)
    config.model.type = 'OddRuns'
    config.custom_imports = dict(imports=['odd_model'])
    path = tmp_path / 'odd.py'
    config.dump(str(path))
    return str(path)


@pytest.fixture
def make_workers():
    made = []

    def make(config: str, **settings) -> Workers:
        made.append(Workers([(config, 'random')], 'cpu', **settings))
        return made[-1]

    yield make
    for workers in made:
        workers.stop()


def test_a_stuck_question_ends_and_the_next_one_is_answered(
    odd_config, make_workers, write_video, capfd
):
    workers = make_workers(odd_config, count=1, deadline=20.0)
    video = write_video(5, 9)
    workers.load('odd')
    workers._workers[0]._deadline = 2.0
    with pytest.raises(Trouble, match='no answer in 2 s'):
        workers.ask('odd', video, 'sleep red')
    workers._workers[0]._deadline = 20.0
    assert workers.ask('odd', video, 'red').starts == [5.0]
    with pytest.raises(Trouble, match='the process that answered ended'):
        workers.ask('odd', video, 'die red')
    with pytest.raises(Trouble, match='^this question cannot be answered$'):
        workers.ask('odd', video, 'fail red')
    assert 'RuntimeError' in capfd.readouterr().err  # for the operator
    assert workers.ask('odd', video, 'red').starts == [5.0]


def test_a_stuck_question_does_not_block_the_next_visitor(
    odd_config, make_workers, write_video
):
    workers = make_workers(odd_config, count=2, deadline=600.0)
    video, found = write_video(5, 9), []

    def visit() -> None:
        try:
            workers.ask('odd', video, 'sleep red')
        except Trouble as trouble:
            found.append(trouble)

    stuck = threading.Thread(target=visit, daemon=True)
    stuck.start()
    while workers._idle.qsize() > 1:
        time.sleep(0.01)
    assert workers.ask('odd', video, 'red').starts == [5.0]
    assert stuck.is_alive()
    for worker in workers._workers:
        if worker._process is not None:
            worker._process.kill()
    stuck.join(timeout=60)
    assert 'ended' in str(found[0])


def test_a_model_that_cannot_be_loaded_is_trouble(make_workers):
    workers = make_workers('nonsense', count=1)
    with pytest.raises(Trouble, match='neither a config file nor the name'):
        workers.load('nonsense')


def test_queries_are_checked_on_the_server():
    assert check_query('  a   man ') == 'a man'
    assert check_query('a' * MAX_QUERY) == 'a' * MAX_QUERY
    for query in ('a' * (MAX_QUERY + 1), 'a ' * MAX_QUERY, 'a' * 10**7):
        with pytest.raises(Trouble, match='500 characters are allowed'):
            check_query(query)
    for query in ('', '  ', None, 3, ['red'], {'a': 1}):
        with pytest.raises(Trouble, match='type what happens'):
            check_query(query)
