"""Mirrors swap labels with the pictures."""

import pytest
import torch

from mmvtg.datasets.transforms import FramesToImages, MirrorAction

LEFT, RIGHT, UP, DOWN = range(4)


def moving(label):
    """(1, 8, 3, 24, 24) of a red dot that moves that way."""
    video = torch.zeros(1, 8, 3, 24, 24, dtype=torch.uint8)
    for step in range(8):
        place = 4 + 2 * (step if label in (RIGHT, DOWN) else 7 - step)
        row, column = (12, place) if label in (LEFT, RIGHT) else (place, 12)
        video[0, step, 0, row, column] = 200
    return video


def direction(video):
    first, last = (video[0, step].amax(0).nonzero()[0] for step in (0, -1))
    down, right = (last - first).tolist()
    if abs(right) > abs(down):
        return RIGHT if right > 0 else LEFT
    return DOWN if down > 0 else UP


@pytest.mark.parametrize('label', range(4))
def test_label_says_what_is_seen(label):
    step = MirrorAction(
        horizontal=((LEFT, RIGHT),),
        vertical=((UP, DOWN),),
        time=((LEFT, RIGHT), (UP, DOWN)),
        permute_colours=True,
        shift=3,
    )
    seen = set()
    for draw in range(40):
        sample = dict(video=moving(label), label=label, video_id='v', draw=draw)
        result = step.transform(sample)
        video = result['video']
        assert video.shape == (1, 8, 3, 24, 24) and video.dtype == torch.uint8
        assert result['label'] == direction(video)
        channel = int(video.amax((0, 1, 3, 4)).argmax())
        seen.add((result['label'], channel, int(video[0, 0].amax(0).nonzero().sum())))
    assert {item[0] for item in seen} == {label, label ^ 1}
    assert {item[1] for item in seen} == {0, 1, 2} and len(seen) > 8


def test_what_is_not_named_is_not_mirrored():
    plain, empty = MirrorAction(), MirrorAction(horizontal=())
    for draw in range(8):
        sample = dict(video=moving(UP), label=UP, video_id='v', draw=draw)
        assert torch.equal(plain.transform(dict(sample))['video'], moving(UP))
        assert empty.transform(dict(sample))['label'] == UP


def test_draws_depend_on_seed_draw_and_video():
    def mirrored(seed, draw, name):
        step = MirrorAction(horizontal=((LEFT, RIGHT),), seed=seed)
        sample = dict(video=moving(LEFT), label=LEFT, video_id=name, draw=draw)
        return step.transform(sample)['label']

    draws = [mirrored(0, draw, 'v') for draw in range(16)]
    assert draws == [mirrored(0, draw, 'v') for draw in range(16)]
    assert draws != [mirrored(1, draw, 'v') for draw in range(16)]
    assert draws != [mirrored(0, draw, 'w') for draw in range(16)]


def test_images_are_channels_first():
    images = FramesToImages().transform(dict(video=moving(LEFT)))['imgs']
    assert images.shape == (1, 3, 8, 24, 24)
    assert torch.equal(images[0, :, 2], moving(LEFT)[0, 2])
