"""Frames with captions for the tiny CLIP."""

import numpy as np
import pytest
import torch

from mmvtg.datasets.moving_shapes import MovingShapesFrames
from mmvtg.datasets.moving_shapes.vocabulary import (
    FAMILIES,
    heldout_vocabulary,
    is_heldout,
    train_vocabulary,
)
from mmvtg.registry import DATASETS


def build(**kwargs):
    return DATASETS.build(dict(type='MovingShapesFrames', length=600, **kwargs))


def test_item_has_the_promised_parts():
    item = build()[3]
    image = item['inputs']['image']
    assert image.shape == (3, 64, 64) and image.dtype == torch.uint8
    assert isinstance(item['caption'], str)
    actors = item['attributes'].actors
    assert 1 <= len(actors) <= 3
    assert len({actor[:2] for actor in actors}) == len(actors)


def test_items_depend_on_seed_split_and_index_only():
    one, other = build(), build()
    later = [other[i] for i in (5, 2)]
    for item, index in zip(later, (5, 2)):
        assert torch.equal(item['inputs']['image'], one[index]['inputs']['image'])
        assert item['caption'] == one[index]['caption']
    for different in (build(seed=1), build(split='val')):
        pairs = [(one[i]['inputs'], different[i]['inputs']) for i in range(20)]
        assert not any(torch.equal(a['image'], b['image']) for a, b in pairs)


def test_train_and_val_share_neither_images_nor_textures():
    train, val = build(), build(split='val')
    images = {train[i]['inputs']['image'].numpy().tobytes() for i in range(300)}
    others = {val[i]['inputs']['image'].numpy().tobytes() for i in range(300)}
    assert len(images) == 300 and not images & others
    bank = {texture.tobytes() for texture in train._texture_bank()}
    assert not bank & {texture.tobytes() for texture in val._texture_bank()}


def test_caption_colours_are_in_the_image():
    """The mean colour around saturated pixels of one-actor frames tells the colour."""
    data = build()
    hits = total = 0
    for index in range(300):
        item = data[index]
        actors = item['attributes'].actors
        if len(actors) > 1 or actors[0].colour not in ('red', 'green', 'blue'):
            continue
        if actors[0].family == 'blink':
            continue
        image = item['inputs']['image'].numpy().astype(int)
        vivid = image.max(0) - image.min(0) > 90
        mean = image[:, vivid].mean(1)
        hits += int(mean.argmax()) == ('red', 'green', 'blue').index(actors[0].colour)
        total += 1
    assert total > 20 and hits == total


def test_captions_use_all_words_but_no_heldout_triple():
    data = build()
    words = set()
    for index in range(len(data)):
        item = data[index]
        words |= set(item['caption'].split())
        for actor in item['attributes'].actors:
            if actor.family:
                kind = FAMILIES[actor.family][0]
                assert not is_heldout(actor.colour, actor.shape, kind)
    novel, known = heldout_vocabulary(), train_vocabulary()
    assert words <= novel | known
    assert len(words & novel) > 0.9 * len(novel)


def test_direction_words_are_drawn_at_random():
    data = MovingShapesFrames(3000, seed=5)
    left = right = 0
    for index in range(len(data)):
        caption = data[index]['caption'].split()
        left += caption.count('left') + caption.count('leftward')
        right += caption.count('right') + caption.count('rightward')
    total = left + right
    assert total > 150
    assert abs(left - right) < 3.5 * np.sqrt(total)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="'test'"):
        build(split='test')
    with pytest.raises(ValueError, match='positive'):
        MovingShapesFrames(0)
    with pytest.raises(IndexError):
        build()[600]
