"""Lists of videos, classes, few-shot trials, and what is wrong with them."""

import json

import numpy as np
import pytest

from mmvtg.datasets import AnnotationError, BadSampleError, RecognitionDataset
from mmvtg.datasets.action_lists import read_action_list, read_classes
from mmvtg.datasets.drawn_dataset import file_fields
from mmvtg.datasets.few_shot import draw_trial
from mmvtg.datasets.samplers import DrawSampler

PIPELINE = [dict(type='DrawStoredFrames', num_frames=4, gaps=(1, 2))]


def write(path, text):
    path.write_text(text)
    return str(path)


def test_lists_of_all_layouts(tmp_path):
    path = write(tmp_path / 'a.txt', 'some dir/a b.mp4 3\n\nc.mp4 0\n')
    items = read_action_list(path, 'labelled')
    assert [(i['path'], i['label']) for i in items] == [
        ('some dir/a b.mp4', 3),
        ('c.mp4', 0),
    ]
    path = write(tmp_path / 'b.list', 'kick ball/x_1\nbrush_hair/y.avi\n')
    items = read_action_list(path, 'folder')
    assert [i['label'] for i in items] == ['kick ball', 'brush hair']
    path = write(tmp_path / 'c.txt', 'v 1.5 4 slide_left\n')
    (item,) = read_action_list(path, 'segments')
    assert item['window'] == (1.5, 4.0) and item['label'] == 'slide left'


@pytest.mark.parametrize(
    'layout, line',
    [
        ('labelled', 'a.mp4'),
        ('labelled', 'a.mp4 spin'),
        ('folder', 'a.mp4'),
        ('segments', 'v 4 1 spin'),
        ('segments', 'v 4 spin'),
        ('segments', 'v one 4 spin'),
    ],
)
def test_bad_lines_are_named(tmp_path, layout, line):
    path = write(tmp_path / 'a.txt', f'\n{line}\n')
    with pytest.raises(AnnotationError, match=r'a\.txt:2.*layout'):
        read_action_list(path, layout)


def test_classes_of_all_kinds(tmp_path):
    path = write(tmp_path / 'a.json', json.dumps({'brush_hair': 'brush hairs'}))
    assert read_classes(path) == {'brush hair': 'brush hairs'}
    path = write(tmp_path / 'a.txt', 'spin\n\nrise\n')
    assert list(read_classes(path)) == ['spin', 'rise']
    with pytest.raises(AnnotationError, match='name each once'):
        read_classes(['slide_left', 'slide left'])
    with pytest.raises(FileNotFoundError, match='class list'):
        read_classes('nowhere.txt')


def test_file_fields():
    fields = file_fields('kick ball/v.1.avi')
    assert fields['stem'] == 'kick ball/v.1' and fields['name'] == 'v.1'
    assert fields['folder_'] == 'kick_ball'
    assert file_fields('a/v_goo_1.5')['stem'] == 'a/v_goo_1.5'


@pytest.fixture
def world(tmp_path):
    """Three classes, 4, 3 and 2 stretches of videos of 20 frames at 2 a second."""
    lines = []
    for name, count in (('rise', 4), ('slide_left', 3), ('spin', 2)):
        for index in range(count):
            video = f'{name}{index}'
            lines.append(f'{video} 1 9 {name}')
            rows = np.repeat(np.arange(20.0)[:, None], 3, axis=1)
            np.save(tmp_path / f'{video}.npy', rows.astype(np.float16))
    write(tmp_path / 'list.txt', '\n'.join(lines))

    def make(**kwargs):
        settings = dict(
            ann_file='list.txt',
            data_root=str(tmp_path),
            data_prefix=dict(feature=''),
            layout='segments',
            fps=2.0,
            pipeline=PIPELINE,
        )
        return RecognitionDataset(**{**settings, **kwargs})

    return make


def test_labels_and_windows(world):
    dataset = world()
    assert dataset.metainfo['classes'] == ('rise', 'slide left', 'spin')
    assert [dataset[i]['label'] for i in range(9)] == [0] * 4 + [1] * 3 + [2] * 2
    sample = dataset[0]
    assert sample['video'].shape == (1, 4, 3)
    frames = sample['video'][0, :, 0]
    assert frames.min() >= 2 and frames.max() < 18  # from 1 s to 9 s
    assert (frames.diff() >= 1).all()


def test_keep_relabels(world):
    dataset = world(keep=['spin', 'rise'])
    assert dataset.metainfo['classes'] == ('spin', 'rise')
    assert [dataset[i]['label'] for i in range(6)] == [1] * 4 + [0] * 2
    with pytest.raises(AnnotationError, match='dance'):
        world(keep=['spin', 'dance'])


def test_classes_without_videos_are_named(world):
    names = ['rise', 'slide_left', 'spin', 'blink']
    with pytest.raises(AnnotationError, match='no video of blink'):
        world(classes=names)
    assert len(world(classes=names, allow_empty_classes=True)) == 9
    with pytest.raises(AnnotationError, match="'spin' is none of the 2"):
        world(classes=['rise', 'slide_left'])


def test_draws_change_with_the_epoch_only(world):
    dataset = world()
    first = [dataset[(i, 1)]['video'] for i in range(9)]
    again = [dataset[(i, 1)]['video'] for i in reversed(range(9))][::-1]
    other = [dataset[(i, 2)]['video'] for i in range(9)]
    assert all((a == b).all() for a, b in zip(first, again))
    assert any((a != b).any() for a, b in zip(first, other))
    sampler = DrawSampler(dataset, shuffle=True, seed=0)
    sampler.set_epoch(3)
    pairs = list(sampler)
    assert sorted(index for index, _ in pairs) == list(range(9))
    assert {epoch for _, epoch in pairs} == {3}


def test_missing_features_end_a_test(world, tmp_path):
    (tmp_path / 'rise1.npy').unlink()
    with pytest.raises(BadSampleError, match='rise1'):
        world(test_mode=True)[1]
    assert world()[1]['video_id'].startswith('rise2')
    with pytest.raises(BadSampleError, match='set its fps'):
        world(test_mode=True, fps=None)[0]
    with pytest.raises(BadSampleError, match='no frame'):
        world(test_mode=True, fps=40.0)[0]


def test_trials_of_a_data_set(world):
    few = dict(shots=2, ways=2, trial=5)
    train = world(few_shot=dict(few, part='train'))
    test = world(few_shot=dict(few, part='test'), allow_empty_classes=True)
    assert train.metainfo['classes'] == test.metainfo['classes']
    assert len(train) == 4 and len(train.metainfo['classes']) == 2
    both = [
        d.get_data_info(i)['video_id'] for d in (train, test) for i in range(len(d))
    ]
    assert len(set(both)) == len(both)
    with pytest.raises(
        AnnotationError, match="3 videos of each class and 'spin' has 2"
    ):
        world(few_shot=dict(shots=3, part='train'))
    # two of two videos are learned from: nothing is left to test 'spin' on
    with pytest.raises(AnnotationError, match='no video of spin'):
        world(few_shot=dict(shots=2, part='test'))
    with pytest.raises(AnnotationError, match='4 classes and there are 3'):
        world(few_shot=dict(shots=1, ways=4, part='train'))
    with pytest.raises(ValueError, match="'train' or 'test'"):
        world(few_shot=dict(shots=1, part='val'))


def test_trials_differ_and_repeat():
    labels = np.repeat(np.arange(8), 20)
    trials = [draw_trial(labels, shots=5, ways=5, trial=t) for t in range(10)]
    assert len({tuple(classes) for classes, _, _ in trials}) > 5
    for classes, learn, rest in trials:
        assert sorted(labels[learn]) == sorted(np.repeat(classes, 5))
        assert sorted(learn + rest) == sorted(np.flatnonzero(np.isin(labels, classes)))
    assert trials[3] == draw_trial(labels, shots=5, ways=5, trial=3)
