"""Videos with labelled segments: class lists, the leakage guard, bad input."""

import json
import logging

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger

from mmvtg.datasets import ActionDetectionDataset, AnnotationError, BadSampleError
from mmvtg.datasets.class_lists import read_class_list, readable_name

PIPELINE = [
    dict(type='LoadSnippets', num_snippets=16),
    dict(type='PackDetectionInputs'),
]


def video(annotations, duration=20.0, subset='training'):
    items = [
        dict(label=label, segment=list(segment)) for label, *segment in annotations
    ]
    return dict(duration=duration, subset=subset, annotations=items)


DATABASE = dict(
    a=video([('Diving', 2, 6), ('CliffDiving', 2, 6), ('Shotput', 10, 30)]),
    b=video([('CliffDiving', 1, 5)]),
    c=video([('Shotput', 3, 9), ('LongJump', 12, 15)], subset='Validation'),
    d=video([]),
)


@pytest.fixture
def make(tmp_path):
    """A function that makes a data set of some annotations."""

    def make(database=None, rows=20, **settings):
        database = DATABASE if database is None else database
        path = tmp_path / 'annotations.json'
        path.write_text(json.dumps(dict(database=database)))
        (tmp_path / 'rgb').mkdir(exist_ok=True)
        rng = np.random.default_rng(0)
        for name in database:
            np.save(tmp_path / 'rgb' / f'{name}.npy', rng.normal(size=(rows, 4)))
        settings = {
            **dict(
                subset='training',
                classes=['Diving', 'Shotput'],
                data_prefix=dict(video='rgb'),
                pipeline=PIPELINE,
            ),
            **settings,
        }
        return ActionDetectionDataset(
            ann_file='annotations.json', data_root=str(tmp_path), **settings
        )

    return make


def labels(dataset):
    return {
        dataset.get_data_info(i)['video_id']: [
            dataset.names[label] for label in dataset.get_data_info(i)['labels']
        ]
        for i in range(len(dataset))
    }


def test_instances_of_other_classes_do_not_exist(make):
    dataset = make(unseen=['CliffDiving', 'LongJump'])
    assert labels(dataset) == dict(a=['Diving', 'Shotput'])
    assert len(dataset.left_out['instances of unseen classes']) == 2
    assert dataset.left_out['videos without instances'] == ['b', 'd']


def test_test_set_keeps_videos_with_its_classes_alone(make):
    dataset = make(classes=['LongJump'], subset='validation', test_mode=True)
    assert labels(dataset) == dict(c=['LongJump'])
    assert dataset.metainfo['classes'] == ['Long Jump']


def test_class_that_is_to_be_unseen_is_refused(make):
    with pytest.raises(AnnotationError, match="1 classes are trained on.*'Diving'"):
        make(unseen=['Diving'])


def test_diving_from_a_cliff_is_named(make, caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.WARNING):
        make(unseen=['CliffDiving'])
    logger.removeHandler(caplog.handler)
    assert 'CliffDiving = Diving (1)' in caplog.text
    dataset = make(unseen=['CliffDiving'], shared_segments='drop')
    assert labels(dataset) == dict(a=['Shotput'])


def test_all_classes_of_the_file_for_closed_sets(make):
    train, test = make(classes=None), make(classes=None, subset='validation')
    everything = ['CliffDiving', 'Diving', 'LongJump', 'Shotput']
    assert train.names == test.names == everything
    assert labels(test) == dict(c=['Shotput', 'LongJump'])
    with pytest.raises(AnnotationError, match='are trained on'):
        make(classes=None, unseen=['LongJump'])


def test_no_video_with_an_instance_is_an_error(make):
    with pytest.raises(
        BadSampleError, match='0 items.*(?s:.)*videos without instances'
    ):
        make(dict(d=video([])), classes=['Diving'])


def test_unknown_class_in_a_training_file_can_be_an_error(make):
    with pytest.raises(AnnotationError, match="b: 'CliffDiving'.*no class"):
        make(
            classes=['Diving', 'Shotput'],
            other_classes='raise',
            database=dict(b=DATABASE['b']),
        )


@pytest.mark.parametrize(
    'classes, message',
    [(['Diving', 'Diving'], 'Diving.* twice'), ([], 'there is no class')],
)
def test_bad_class_lists(make, classes, message):
    with pytest.raises(AnnotationError, match=message):
        make(classes=classes)


def test_missing_and_empty_class_files(tmp_path):
    with pytest.raises(FileNotFoundError, match='does not exist'):
        read_class_list(str(tmp_path / 'no.list'))
    (tmp_path / 'empty.list').write_text('\n')
    with pytest.raises(AnnotationError, match='empty.list: there is no class'):
        read_class_list(str(tmp_path / 'empty.list'))


def test_class_file_lies_under_the_data_root(make, tmp_path):
    (tmp_path / 'some.list').write_text('Shotput\nDiving\n')
    assert make(classes='some.list').names == ['Shotput', 'Diving']


@pytest.mark.parametrize(
    'name, words',
    [
        ('CliffDiving', 'Cliff Diving'),
        ('slide_left', 'slide left'),
        ('BMX', 'BMX'),
        ('Playing ten pins', 'Playing ten pins'),
    ],
)
def test_readable_name(name, words):
    assert readable_name(name) == words


def test_instance_longer_than_its_video_is_cut_off_and_named(make):
    dataset = make()
    assert dataset.left_out['instances longer than their video, cut off'] == [
        "a: 'Shotput' [10, 30]"
    ]


def test_impossible_instances_are_left_out_in_training_alone(make):
    database = dict(
        a=video([('Diving', 5, 5), ('Diving', 25, 30), ('Diving', 1, 3)]),
        b=video([('Diving', 6, 2)]),
    )
    dataset = make(database)
    assert len(dataset) == 1 and len(dataset.get_data_info(0)['segments']) == 1
    assert len(make(database, test_mode=True)) == 2


@pytest.mark.parametrize(
    'entry, message',
    [
        (video([('Diving', 1, 'x')]), r"video 'a': annotations\[0\].*segment"),
        (dict(video([]), duration=0), "video 'a': duration"),
        (
            dict(duration=3, subset='training', annotations=[dict(segment=[0, 1])]),
            'has no label',
        ),
    ],
)
def test_malformed_annotations(make, entry, message):
    with pytest.raises(AnnotationError, match=message):
        make(dict(a=entry))


def test_unknown_subset_names_those_that_are_there(make):
    with pytest.raises(AnnotationError, match=r"'train' has no video.*training"):
        make(subset='train')


def test_missing_features_are_an_error_in_test(make, tmp_path):
    make()
    (tmp_path / 'rgb' / 'a.npy').rename(tmp_path / 'rgb' / 'x.npy')
    database = dict(DATABASE, e=DATABASE['b'])
    path = tmp_path / 'annotations.json'
    path.write_text(json.dumps(dict(database=database)))
    settings = dict(
        ann_file='annotations.json',
        data_root=str(tmp_path),
        subset='training',
        classes=['CliffDiving'],
        data_prefix=dict(video='rgb'),
        pipeline=PIPELINE,
    )
    with pytest.raises(BadSampleError, match='missing feature file'):
        ActionDetectionDataset(test_mode=True, **settings)
    assert len(ActionDetectionDataset(**settings)) == 1


def test_rescaled_sample(make):
    dataset = make()
    item = dataset[0]
    assert item['inputs']['video'].shape == (16, 4)
    sample = item['data_samples']
    assert sample.window == (0.0, 20.0)
    assert sample.classes == ['Diving', 'Shotput']
    assert sample.gt_moments.spans.tolist() == [[2, 6], [10, 30]]


def test_streams_of_different_lengths_are_joined_when_rescaled(make, tmp_path):
    dataset = make(
        data_prefix=dict(rgb='rgb', flow='flow'),
        streams=dict(rgb={}, flow={}),
        lazy_init=True,
    )
    (tmp_path / 'flow').mkdir()
    for name in DATABASE:
        np.save(tmp_path / 'flow' / f'{name}.npy', np.ones((7, 3)))
    dataset.full_init()
    video = dataset[0]['inputs']['video']
    assert video.shape == (16, 7)
    torch.testing.assert_close(video[:, 4:], torch.ones(16, 3))


def test_training_windows_have_an_instance_by_half(make):
    database = dict(a=video([('Diving', 2, 6), ('Shotput', 27, 33)], duration=40))
    pipeline = [dict(type='LoadSnippets'), dict(type='PackDetectionInputs')]
    settings = dict(fps=1.0, window=10, window_stride=10, pipeline=pipeline)
    dataset = make(database, rows=40, **settings)
    items = [dataset[i]['data_samples'] for i in range(len(dataset))]
    assert [item.window for item in items] == [(0, 10), (20, 30), (30, 40)]
    assert [item.gt_moments.labels.tolist() for item in items] == [[0], [1], [1]]
    whole = make(database, rows=40, test_mode=True, **settings)
    assert whole[0]['inputs']['video'].shape == (40, 4)
    assert whole[0]['data_samples'].window == (0, 40)


def test_window_without_a_rate_is_refused(make):
    with pytest.raises(ValueError, match='needs fps'):
        make(window=8)


def test_changes_follow_all_streams(make):
    pipeline = [
        dict(type='LoadSnippets', num_snippets=20, change=['video']),
        dict(type='PackDetectionInputs'),
    ]
    video = make(pipeline=pipeline)[0]['inputs']['video']
    assert video.shape == (20, 8)
    rows = video[:, :4]
    before = torch.cat([rows[:1], rows[:-1]])
    after = torch.cat([rows[1:], rows[-1:]])
    want = ((rows - before).abs() + (after - rows).abs()) / 2
    torch.testing.assert_close(video[:, 4:], want)
