"""Videos held out of an annotation file."""

import pytest

from mmvtg.datasets import AnnotationError, GroundingDataset
from mmvtg.datasets.shares import keep_share

SAMPLES = [dict(video_id=f'v{i % 40}', query_id=i) for i in range(100)]


def ids(share, samples=SAMPLES):
    return {s['query_id'] for s in keep_share(samples, share, 'train.jsonl')}


def test_shares_are_all_and_nothing_twice():
    train, held_out = ids((0, 0.95)), ids((0.95, 1))
    assert train | held_out == set(range(100)) and not train & held_out
    videos = {SAMPLES[i]['video_id'] for i in held_out}
    assert len(videos) == 2  # 5 % of 40, with all their queries
    assert not videos & {SAMPLES[i]['video_id'] for i in train}
    thirds = [ids((a / 3, (a + 1) / 3)) for a in range(3)]
    assert sorted(i for part in thirds for i in part) == list(range(100))


def test_order_of_the_file_does_not_matter():
    assert ids((0.2, 0.5), SAMPLES[::-1]) == ids((0.2, 0.5))
    # looks drawn: not the first ones of the file, nor of the alphabet
    assert {SAMPLES[i]['video_id'] for i in ids((0, 0.1))} == {
        'v10',
        'v12',
        'v24',
        'v6',
    }


def test_samples_keep_their_order():
    kept = [s['query_id'] for s in keep_share(SAMPLES, (0, 0.5), 'train.jsonl')]
    assert kept == sorted(kept)


def test_an_empty_share_names_the_file():
    with pytest.raises(AnnotationError, match=r'train\.jsonl: none of its 40 videos'):
        ids((0.001, 0.002))


@pytest.mark.parametrize('share', [(0.5,), (0.5, 0.5), (1, 0), (-0.1, 1), (0, 95)])
def test_no_share(share):
    with pytest.raises(ValueError, match='0.95'):
        GroundingDataset(ann_file='train.jsonl', fps=1.0, share=share)


def test_data_set(make_store, line):
    root = make_store([line(i) for i in range(5)])
    parts = [
        GroundingDataset(
            ann_file='train.jsonl',
            data_root=str(root),
            data_prefix=dict(video='video', query='query'),
            fps=0.5,
            share=share,
        )
        for share in ((0, 0.6), (0.6, 1))
    ]
    found = [
        {part.get_data_info(i)['video_id'] for i in range(len(part))} for part in parts
    ]
    assert [len(part) for part in found] == [3, 2]
    assert found[0] | found[1] == {f'v{i}' for i in range(5)}
