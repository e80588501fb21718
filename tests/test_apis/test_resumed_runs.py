"""Runs into a folder: later runs reuse predictions, and no file is overwritten."""

import json
import os
from pathlib import Path

import pytest
from bright_model import colours
from mmengine.logging import MMLogger
from PIL import Image

from mmvtg.apis import ActionDetectionInferencer, VTGInferencer, summarise


@pytest.fixture
def grounder(colour_config) -> VTGInferencer:
    return VTGInferencer(colour_config, 'random', 'cpu')


@pytest.fixture
def detector(detector_config) -> ActionDetectionInferencer:
    return ActionDetectionInferencer(detector_config, 'random', 'cpu')


@pytest.fixture
def video(write_video) -> str:
    return str(write_video(colours({'red': [(5, 9)], 'blue': [(0, 3)]}, 24, 1.0)))


@pytest.fixture
def namesake(write_video, tmp_path) -> str:
    """Another video of the same name, in another folder."""
    (tmp_path / 'other').mkdir()
    return str(write_video(colours({'red': [(1, 2)]}, 9, 1.0), 'other/v.mp4'))


def names(results: dict) -> list[str]:
    return [Path(path).name for path in results['visualization']]


def seen(inferencer) -> int:
    """Return the number of clips that the tower has encoded."""
    return sum(inferencer.streams.towers['video'].batches)


@pytest.mark.parametrize('kind', ['grounder', 'detector'])
def test_pictures_of_two_videos_of_one_name(kind, request, video, namesake, tmp_path):
    ask, out = request.getfixturevalue(kind), str(tmp_path / 'out')
    assert names(ask(video, 'red', out_dir=out)) == ['v_0.png']
    first = (tmp_path / 'out' / 'v_0.png').read_bytes()
    assert names(ask(namesake, 'red', out_dir=out)) == ['v_1.png']
    assert names(ask([namesake, video], 'red', out_dir=out)) == ['v_1.png', 'v_0.png']
    assert names(ask(video, 'blue', out_dir=out)) == ['v_2.png']
    assert (tmp_path / 'out' / 'v_0.png').read_bytes() == first
    lines = (tmp_path / 'out' / 'predictions.jsonl').read_text().splitlines()
    assert [json.loads(line)['video'] for line in lines] == [video, namesake, video]


def test_a_request_that_is_repeated_in_one_call(grounder, video, tmp_path):
    out = str(tmp_path / 'out')
    for _ in range(2):
        results = grounder([video, video], ['red', 'red'], out_dir=out)
        assert names(results) == [f'v_{number}.png' for number in range(4)]
        one, *others = results['predictions']
        assert others == [one] * 3
    assert len((tmp_path / 'out' / 'predictions.jsonl').read_text().splitlines()) == 4
    assert names(grounder(video, ['red', 'blue'], out_dir=out)) == [
        'v_0.png',
        'v_4.png',
    ]


@pytest.mark.parametrize('kind', ['grounder', 'detector'])
@pytest.mark.parametrize('words', [['red', 'blue'], ['green']])
def test_restored_samples_equal_fresh_ones(kind, words, request, video, tmp_path):
    ask, bad = request.getfixturevalue(kind), tmp_path / 'bad.mp4'
    bad.write_bytes(b'no video')
    settings = dict(return_datasamples=True, out_dir=str(tmp_path / 'out'))
    fresh, restored = (
        ask([str(bad), video], words, **settings)['predictions'] for _ in range(2)
    )
    assert seen(ask) == 24 and len(fresh) == len(restored) > 0
    fields = ['number', 'duration', 'video_id', 'video_path']
    fields += dict(
        grounder=['query_id', 'query', 'fps', 'num_clips'],
        detector=['classes', 'window'],
    )[kind]
    for one, two in zip(fresh, restored):
        assert two.restored and not one.restored
        assert [one.get(name) for name in fields] == [two.get(name) for name in fields]
        for name, value in one.pred_moments.items():
            assert value.equal(two.pred_moments[name])
            assert value.dtype == two.pred_moments[name].dtype
        if kind == 'grounder':
            assert one.pred_saliency.equal(two.pred_saliency)


def test_a_bad_video_that_is_named_twice(grounder, video, tmp_path, monkeypatch):
    bad = tmp_path / 'bad.mp4'
    bad.write_bytes(b'no video')
    warned = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'warning', warned.append)
    results = grounder([str(bad), video, str(bad)], 'red')
    assert list(results['failed']) == [str(bad)] and len(results['predictions']) == 1
    assert warned[-1].startswith('1 of 2 videos were skipped')


def test_another_spelling_of_a_path(grounder, video, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = grounder(video, 'red', out_dir='out')['predictions'][0]
    relative = os.path.relpath(video)
    (again,) = grounder(relative, 'red', out_dir='out')['predictions']
    assert again == {**first, 'video': relative} and seen(grounder) == 24


def test_other_settings_of_a_model_reuse_nothing(colour_config, video, tmp_path):
    counts = []
    for pipeline in ([], [dict(type='PackGroundingInputs')]):
        steps = [dict(type='LoadStoredFeatures'), *pipeline]
        config = dict(colour_config)
        if pipeline:
            config['test_dataloader'] = dict(dataset=dict(pipeline=steps))
        ask = VTGInferencer(config, 'random', 'cpu')
        ask(video, 'red', out_dir=str(tmp_path))
        counts.append(seen(ask))
    assert counts == [24, 24]


def test_another_proposer_reuses_nothing(detector_config, video, tmp_path):
    found = []
    for fps in (None, 2.0):
        proposer = ActionDetectionInferencer(detector_config, 'random', 'cpu', fps)
        ask = ActionDetectionInferencer(
            detector_config, 'random', 'cpu', proposer=proposer
        )
        found.append(ask.identity())
    assert found[0] != found[1]


def test_pictures_and_films_of_earlier_runs_are_kept(
    grounder, detector, video, tmp_path
):
    """The log lacks the curves of a detector, and films take long to write."""
    for ask, more in ((grounder, dict(save_video=True)), (detector, {})):
        out = tmp_path / type(ask).__name__
        files = ask(video, 'red', out_dir=str(out), **more)['visualization']
        before = Path(files[-1]).stat().st_mtime_ns
        assert ask(video, 'red', out_dir=str(out), **more)['visualization'] == files
        assert Path(files[-1]).stat().st_mtime_ns == before
        os.remove(files[-1])
        ask(video, 'red', out_dir=str(out), **more)
        assert Path(files[-1]).is_file()


def test_a_folder_of_images_gets_films_and_summaries(grounder, tmp_path):
    folder = tmp_path / 'images'
    folder.mkdir()
    for index, color in enumerate(colours({'red': [(2, 4)]}, 8, 1.0)):
        image = Image.new('RGB', (32, 32), tuple(map(int, color)))
        image.save(folder / f'{index}.png')
    out = str(tmp_path / 'out')
    results = grounder(str(folder), 'red', out_dir=out, save_video=True)
    assert names(results) == ['images_0.png', 'images_0.mp4']
    film = tmp_path / 'summary.mp4'
    summarise(results['predictions'][0], str(film), share=0.5)
    assert film.is_file()
