"""Summaries hold the most salient shots that fit."""

import decord
import pytest

from mmvtg.apis import VTGInferencer, summarise

MODEL = 'r2-tuning_tiny-clip-k4_1xb32-10e_moving-shapes'


def prediction(saliency, fps=1.0, duration=None) -> dict:
    duration = len(saliency) / fps if duration is None else duration
    return dict(video='v.mp4', duration=duration, fps=fps, saliency=saliency)


def test_the_best_shots_that_fit():
    saliency = [0, 0, 5, 5, 1, 1, 9, 9, 0, 0]
    assert summarise(prediction(saliency), share=0.2) == [[6, 8]]
    assert summarise(prediction(saliency), share=0.4) == [[2, 4], [6, 8]]
    # neighbours are one part
    assert summarise(prediction(saliency), share=0.6) == [[2, 8]]
    half = summarise(prediction(saliency, fps=0.5), share=0.2, shot=4)
    assert half == [[12, 16]]


def test_saliency_may_be_negative_and_the_last_clip_shorter():
    saliency = [-3, -3, -3, -1, -1]
    parts = summarise(prediction(saliency, duration=4.5), share=0.5, shot=1)
    assert parts == [[3, 4.5]]


@pytest.mark.parametrize('share', [0, -1, 1.5, float('nan')])
def test_a_share_of_the_video(share):
    with pytest.raises(ValueError, match='at most 1'):
        summarise(prediction([1, 2, 3]), share=share)


def test_no_shot_fits():
    with pytest.raises(ValueError, match=r'v.mp4 \(4.0 s\) holds no shot of 2 s'):
        summarise(prediction([1, 2, 3, 4]), share=0.1)


def test_film_of_an_answer(world, tmp_path):
    video = world / 'moving_shapes' / 'tiny' / 'videos' / 'test_00000.mp4'
    ask = VTGInferencer(MODEL, device='cpu')
    (answer,) = ask(str(video), 'a red circle slides to the left')['predictions']
    film = tmp_path / 'summary.mp4'
    parts = summarise(answer, str(film), share=0.3)
    seconds = sum(end - start for start, end in parts)
    assert 0 < seconds <= 0.3 * answer['duration'] + 1e-6
    shown = decord.VideoReader(str(film))
    assert len(shown) / shown.get_avg_fps() == pytest.approx(seconds, abs=0.1)
