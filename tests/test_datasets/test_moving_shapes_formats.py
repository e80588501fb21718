"""Annotation files of MovingShapes, in the benchmarks' own formats."""

import json
from pathlib import Path

import numpy as np
import pytest

from mmvtg.datasets.moving_shapes import (
    generate,
    scene_of,
)
from mmvtg.datasets.moving_shapes.annotations import LOOKS, SPLITS, annotate
from mmvtg.datasets.moving_shapes.vocabulary import ACTIONS

COUNTS = dict(train=3, val=1, test=1, novel_composition=1, novel_word=1)


def make(root, **kwargs):
    settings = dict(size='tiny', num_workers=0, progress=False, counts=COUNTS)
    return generate(root, **{**settings, **kwargs})


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('moving_shapes')
    make(root)
    return root


def lines(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_manifest_counts_what_is_there(root):
    manifest = json.loads((root / 'manifest.json').read_text())
    assert {s: manifest['counts'][s]['videos'] for s in SPLITS} == COUNTS
    assert len(list((root / 'videos').iterdir())) == sum(COUNTS.values())
    for split in SPLITS:
        rows = lines(root / f'qvhighlights/{split}.jsonl')
        assert manifest['counts'][split]['queries'] == len(rows)
        moments = sum(len(row['relevant_windows']) for row in rows)
        assert manifest['counts'][split]['moments'] == moments
    assert (manifest['seed'], manifest['size'], manifest['fps']) == (0, 'tiny', 8)
    assert manifest['classes'] == list(ACTIONS)
    assert {'crimson', 'disc', 'dwindles'} <= set(manifest['heldout_vocabulary'])


def test_qvhighlights_lines(root):
    fields = {'qid', 'query', 'duration', 'vid', 'relevant_windows'}
    fields |= {'relevant_clip_ids', 'saliency_scores'}
    qids = []
    for split in SPLITS:
        for row in lines(root / f'qvhighlights/{split}.jsonl'):
            assert set(row) == fields
            assert (root / 'videos' / f'{row["vid"]}.mp4').is_file()
            qids.append(row['qid'])
            windows = row['relevant_windows']
            assert windows[-1][1] <= row['duration']
            clips = [c for s, e in windows for c in range(s // 2, e // 2)]
            assert row['relevant_clip_ids'] == clips
            assert np.shape(row['saliency_scores']) == (len(clips), 3)
            assert set(np.ravel(row['saliency_scores'])) <= {0, 1, 2, 3, 4}
    assert len(set(qids)) == len(qids)
    assert all(isinstance(qid, int) for qid in qids)


def test_charades_lines_are_the_queries_with_one_moment(root):
    for split in SPLITS:
        queries = {r['qid']: r for r in lines(root / f'qvhighlights/{split}.jsonl')}
        rows = lines(root / f'charades_sta/{split}.jsonl')
        single = [q for q, r in queries.items() if len(r['relevant_windows']) == 1]
        assert [row['qid'] for row in rows] == single
        text = (root / f'charades_sta/{split}.txt').read_text().splitlines()
        assert len(text) == len(rows)
        for row, line in zip(rows, text):
            head, sentence = line.split('##')
            vid, start, end = head.split()
            assert vid == row['vid'] and sentence == row['query'] + '.'
            assert row['relevant_windows'] == [[float(start), float(end)]]


def test_activitynet_file_and_class_splits(root):
    content = json.loads((root / 'activitynet/moving_shapes_tad.json').read_text())
    assert set(content) == {'version', 'taxonomy', 'database'}
    subsets = [video['subset'] for video in content['database'].values()]
    assert subsets[:5] == ['training'] * 3 + ['validation', 'testing']
    for video in content['database'].values():
        assert video['annotations'] and video['resolution'] == '128x128'
        for annotation in video['annotations']:
            start, end = annotation['segment']
            assert annotation['label'] in ACTIONS
            assert 0 <= start < end <= video['duration']
    leaves = {n['nodeId'] for n in content['taxonomy']}
    leaves -= {n['parentId'] for n in content['taxonomy']}
    names = [n['nodeName'] for n in content['taxonomy'] if n['nodeId'] in leaves]
    assert sorted(names) == sorted(ACTIONS)
    for setting, seen in (('train_75_test_25', 7), ('train_50_test_50', 5)):
        found = set()
        for index in range(10):
            lists = [
                (root / f'activitynet/splits/{setting}/{side}/split_{index}.list')
                .read_text()
                .splitlines()
                for side in ('train', 'test')
            ]
            assert len(lists[0]) == seen
            assert sorted(lists[0] + lists[1]) == sorted(ACTIONS)
            found.add(tuple(lists[0]))
        assert len(found) == 10


def test_looks_are_a_second_detection_set(root):
    content = json.loads(
        (root / 'activitynet/moving_shapes_looks_tad.json').read_text()
    )
    for vid, video in content['database'].items():
        split, index = vid.rsplit('_', 1)
        actors = scene_of(0, split, int(index), (24, 32))[0].actors
        found = [(*a['segment'], a['label']) for a in video['annotations']]
        assert found == sorted(
            (x.start, x.end, f'{actor.colour}_{actor.shape}')
            for actor in actors
            for x in actor.actions
        )
    for setting, seen in (('train_75_test_25', 22), ('train_50_test_50', 15)):
        found = set()
        for index in range(10):
            lists = [
                (root / f'activitynet/looks_splits/{setting}/{side}/split_{index}.list')
                .read_text()
                .splitlines()
                for side in ('train', 'test')
            ]
            assert len(lists[0]) == seen
            assert sorted(lists[0] + lists[1]) == sorted(LOOKS)
            words = [{w for look in one for w in look.split('_')} for one in lists]
            assert words[1] <= words[0]  # only their composition is new
            found.add(tuple(lists[0]))
        assert len(found) == 10


def test_tvsum_lines(root):
    for row in lines(root / 'tvsum/train.jsonl'):
        assert row['qid'] == row['vid'] and row['domain'] in ACTIONS
        assert row['relevant_windows'] is None and row['relevant_clip_ids'] is None
        label = np.array(row['label'])
        assert label.shape == (row['duration'] // 2, 20)
        assert label.min() >= 1 and label.max() <= 5
        # Annotators agree more than by chance.
        assert np.corrcoef(label[:, :10].mean(1), label[:, 10:].mean(1))[0, 1] > 0.5


def test_trimmed_clips_show_one_class_only(root):
    decord = pytest.importorskip('decord')
    database = json.loads((root / 'activitynet/moving_shapes_tad.json').read_text())
    for split in SPLITS:
        for line in (root / f'recognition/{split}.txt').read_text().splitlines():
            vid, start, end, label = line.split()
            start, end = int(start), int(end)
            inside = {
                a['label']
                for a in database['database'][vid]['annotations']
                if a['segment'][0] < end and a['segment'][1] > start
            }
            assert inside == {label}
            clip = root / f'recognition/clips/{label}/{vid}_{start}_{end}.mp4'
            assert len(decord.VideoReader(str(clip))) == 8 * (end - start)


def test_retrieval_has_one_caption_a_video(root):
    for split in SPLITS:
        rows = lines(root / f'retrieval/{split}.jsonl')
        assert len(rows) == COUNTS[split]
        for row in rows:
            assert set(row) == {'vid', 'caption', 'duration'} and row['caption']


def test_saliency_follows_the_action():
    """The middle of long windows is rated above their ends; annotators differ."""
    middle, ends, differ = [], [], 0
    for index in range(60):
        scene, rng = scene_of(0, 'train', index, (24, 60))
        for query in annotate(rng, scene, 'train', index)['queries']:
            scores = np.array(query['saliency_scores'])
            differ += (scores != scores[:, :1]).any()
            if len(query['relevant_windows']) == 1 and len(scores) >= 4:
                ends.append(scores[[0, -1]].mean())
                middle.append(scores[1:-1].mean())
    assert np.mean(middle) > np.mean(ends) + 0.5
    assert differ > 50
