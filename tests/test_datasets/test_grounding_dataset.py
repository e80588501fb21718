"""The data set: what it reads, and what it says about bad input."""

import gzip
import json

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger

from mmvtg.datasets import AnnotationError, BadSampleError, GroundingDataset
from mmvtg.datasets.annotations import parse_sample
from mmvtg.datasets.transforms import loading

PIPELINE = [
    dict(type='LoadStoredFeatures'),
    dict(type='CleanMoments'),
    dict(type='SaliencyTarget'),
    dict(type='PackGroundingInputs'),
]


def build(root, **kwargs):
    kwargs = {
        'ann_file': 'train.jsonl',
        'data_root': str(root),
        'data_prefix': dict(video='video', query='query'),
        'fps': 0.5,
        'pipeline': PIPELINE,
        **kwargs,
    }
    return GroundingDataset(**kwargs)


def test_a_sample_has_features_targets_and_metainfo(make_store, line):
    dataset = build(make_store([line(0), line(1, relevant_windows=[[0, 4], [20, 30]])]))
    item = dataset[1]
    assert item['inputs']['video'].shape == (20, 4, 5, 24)
    assert item['inputs']['video'].dtype == torch.float16
    assert item['inputs']['query'].shape == (6, 4, 16)
    sample = item['data_samples']
    assert sample.gt_moments.spans.tolist() == [[0, 4], [20, 30]]
    expected = torch.zeros(20)
    expected[2:5] = torch.tensor([6, 12, 1]) / 12
    assert torch.allclose(sample.gt_saliency, expected)
    assert sample.positive_clips.tolist() == [2, 3, 4]
    assert (sample.video_id, sample.query_id, sample.fps) == ('v1', 1, 0.5)
    assert sample.query == 'a red circle slides to the left'


def test_only_what_a_model_looks_at_may_be_kept(make_store, line):
    root = make_store([line(0)])
    load = dict(type='LoadStoredFeatures', num_layers=2, class_token=True)
    inputs = build(root, pipeline=[load, *PIPELINE[1:]])[0]['inputs']
    whole = build(root)[0]['inputs']
    assert torch.equal(inputs['video'], whole['video'][:, 2:, :1])
    assert torch.equal(inputs['query'], whole['query'][:, 2:])


def test_a_video_is_read_once_for_queries_in_a_row(make_store, line, monkeypatch):
    root = make_store([line(0, vid='a'), line(1, vid='a'), line(2), line(3, vid='a')])
    dataset = build(root)
    read = []
    original = loading.load_array

    def spy(path, *rest):
        read.append(path)
        return original(path, *rest)

    monkeypatch.setattr(loading, 'load_array', spy)
    items = [dataset[i]['inputs']['video'] for i in range(4)]
    assert sum('video' in path.split('/')[-2] for path in read) == 3
    assert torch.equal(items[0], items[1]) and torch.equal(items[0], items[3])
    assert not torch.equal(items[0], items[2])


def test_saliency_follows_the_moments_without_scores(make_store, line):
    plain = line(0, relevant_clip_ids=None, saliency_scores=None)
    plain['relevant_windows'] = [[4.5, 9.9]]
    sample = build(make_store([plain]))[0]['data_samples']
    assert sample.gt_saliency.nonzero().flatten().tolist() == [3, 4]


def test_saliency_of_two_second_clips_at_one_frame_a_second(make_store, line):
    root = make_store([line(0)], fps=1.0)
    sample = build(root, fps=1.0, saliency_clip_length=2.0)[0]['data_samples']
    expected = [0] * 4 + [6, 6, 12, 12, 1, 1] + [0] * 30
    assert torch.allclose(sample.gt_saliency, torch.tensor(expected) / 12)


def test_one_row_a_label_sets_the_rate_of_youtube(make_store, line):
    labels = [[-1], [0], [1], [1], [0]] * 4
    item = line(0, match=labels, relevant_windows=None, duration=34.5)
    root = make_store([dict(item, duration=40)])
    with open(root / 'train.jsonl', 'w') as file:
        file.write(json.dumps(item))
    pipeline = [
        dict(type='LoadStoredFeatures'),
        dict(type='SaliencyTarget', score_range=(-1, 1), positive_above=0.5),
        dict(type='PackGroundingInputs'),
    ]
    sample = build(root, fps='auto', pipeline=pipeline)[0]['data_samples']
    assert sample.fps == pytest.approx(20 / 34.5)
    assert sample.gt_saliency[:5].tolist() == [0, 0.5, 1, 1, 0.5]
    assert sample.positive_clips[:2].tolist() == [2, 3]


def test_gzip_and_domain(make_store, line):
    root = make_store([line(0, domain='dog'), line(1, domain='surfing')])
    with gzip.open(root / 'train.jsonl.gz', 'wb') as file:
        file.write((root / 'train.jsonl').read_bytes())
    assert len(build(root, ann_file='train.jsonl.gz', domain='dog')) == 1
    with pytest.raises(AnnotationError, match=r"no sample of domain 'cat'.*surfing"):
        build(root, domain='cat')


def test_a_malformed_line_is_named(make_store, line):
    root = make_store([line(0), line(1)])
    with open(root / 'train.jsonl', 'a') as file:
        file.write('{"qid": 3, "query": "a\n')
    with pytest.raises(AnnotationError, match=r'train\.jsonl:3: not valid JSON'):
        build(root)


@pytest.mark.parametrize(
    'fields, message',
    [
        (dict(vid=None), "field 'vid' is missing"),
        (dict(query='  '), 'the query is empty'),
        (dict(duration=-3), 'duration = -3 is not positive'),
        (dict(relevant_windows=[[1, 2, 3]]), 'not a list of'),
        (dict(duration=float('inf')), 'duration = inf is not positive'),
        (dict(duration=5e9), 'more than a week; is it in another unit'),
        (dict(duration=150_000_000), 'more than a week'),
        (dict(duration=10**400), 'not a finite number'),
        (dict(relevant_windows=[[1], [2, 3, 4]]), r'item 0 is \[1\]'),
        (dict(relevant_windows=[[1, 2, 3, 4]]), 'not a list of'),
        (dict(relevant_windows=[1, 2]), 'not a list of'),
        (dict(relevant_windows=[['1', '2']]), 'not a pair of finite numbers'),
        (dict(relevant_windows=[[0, float('inf')]]), 'not a pair of finite numbers'),
        (dict(relevant_clip_ids=[1]), '1 relevant_clip_ids but 3 saliency_scores'),
        (dict(relevant_clip_ids=['2', '3', '4']), "relevant_clip_ids has '2'"),
        (dict(relevant_clip_ids=[2.5, 3, 4]), 'relevant_clip_ids has 2.5'),
        (dict(relevant_clip_ids=[-1, 3, 4]), 'relevant_clip_ids has -1'),
        (dict(relevant_clip_ids=[2, 3, 21]), 'relevant_clip_ids has 21, .* 0 to 20'),
        (dict(relevant_clip_ids=3), 'relevant_clip_ids = 3 is not a list'),
        (dict(saliency_scores=[[1, 2], [3], [4]]), 'saliency_scores is not one number'),
        (dict(saliency_scores=[[1], [None], [2]]), 'saliency_scores is not one number'),
        (dict(saliency_scores=5), '3 relevant_clip_ids but 5 saliency_scores'),
        (dict(label=[[1, 2], [3]]), 'label is not one number'),
        (dict(match=[]), 'match is not one number'),
        (dict(match=['a', 'b']), 'match is not one number'),
    ],
)
def test_malformed_fields_are_named(line, fields, message):
    with pytest.raises(AnnotationError, match=f'x.jsonl:7: .*{message}'):
        parse_sample(line(0, **fields), 'x.jsonl:7', 2.0)


@pytest.mark.parametrize(
    'window, message',
    [
        ([40, 32], r'relevant_windows\[0\] = \[40, 32\] ends before it starts'),
        ([50, 60], r'\[50, 60\] lies outside of the video \(0 to 40 s\)'),
        ([-4, 10], r'\[-4, 10\] lies outside of the video'),
        ([10, 90], r'\[10, 90\] lies outside of the video'),
    ],
)
def test_bad_windows_are_refused_dropped_or_cleaned(make_store, line, window, message):
    root = make_store([line(0), line(1, relevant_windows=[window])])
    with pytest.raises(AnnotationError, match=rf'train\.jsonl:2: .*{message}'):
        build(root)
    dropped = build(root, bad_windows='drop')
    assert len(dropped) == 1
    assert 'bad window' in dropped.left_out
    cleaned = build(root, bad_windows='clean')
    spans = cleaned[1]['data_samples'].gt_moments.spans
    assert (spans >= 0).all() and (spans <= 40).all() and spans[0, 1] > spans[0, 0]


def test_evaluation_keeps_the_annotation_as_it_is(make_store, line):
    root = make_store([line(0, relevant_windows=[[12.0, 12.1]])])
    pipeline = [PIPELINE[0], PIPELINE[-1]]
    sample = build(root, test_mode=True, pipeline=pipeline)[0]['data_samples']
    assert sample.gt_moments.spans.tolist() == [[12.0, pytest.approx(12.1)]]


def test_what_is_left_out_is_counted_with_the_reason(make_store, line, caplog):
    lines = [line(i) for i in range(6)] + [
        line(6, duration=3, relevant_clip_ids=[0], saliency_scores=[[1, 2, 3]])
    ]
    root = make_store(lines)
    (root / 'video/v1.npy').unlink()
    (root / 'video/v2.npy').write_bytes(b'rubbish')
    np.save(root / 'video/v3.npy', np.zeros((50, 4, 5, 24), np.float16))
    (root / 'query/4.npy').unlink()
    dataset = build(root, min_duration=5)
    assert len(dataset) == 2
    counts = {reason: len(details) for reason, details in dataset.left_out.items()}
    assert counts == {
        'missing feature file': 2,
        'damaged feature file': 1,
        'feature length that disagrees with the duration': 1,
        'video shorter than 5 s': 1,
    }
    detail = dataset.left_out['feature length that disagrees with the duration'][0]
    assert '50 clips' in detail and '40 s at 0.5 clips per second make 20' in detail


def test_the_report_reaches_the_log(make_store, line, tmp_path):
    from mmengine.logging import MMLogger

    log = tmp_path / 'run.log'
    MMLogger.get_instance('report', log_file=str(log))
    root = make_store([line(0), line(1)])
    (root / 'video/v1.npy').unlink()
    build(root)
    text = log.read_text()
    assert '1 of 2 samples are used' in text and '1 x missing feature file' in text


def test_a_test_set_with_gaps_is_an_error(make_store, line):
    root = make_store([line(0), line(1)])
    (root / 'video/v1.npy').unlink()
    with pytest.raises(BadSampleError, match=r'extract_features\.py'):
        build(root, test_mode=True)
    assert len(build(root, test_mode=True, allow_missing=True)) == 1


def test_nan_is_skipped_in_training_and_raised_in_test(make_store, line):
    root = make_store([line(0), line(1)])
    features = np.load(root / 'video/v0.npy')
    features[3, 1, 2, 5] = np.nan
    np.save(root / 'video/v0.npy', features)
    item = build(root)[0]
    assert item['data_samples'].video_id == 'v1'
    with pytest.raises(BadSampleError, match='video v0: .*NaN'):
        build(root, test_mode=True)[0]


def test_data_set_without_a_usable_sample_ends_with_one_summary(
    make_store, line, monkeypatch
):
    root = make_store([line(i) for i in range(30)])
    for path in (root / 'video').glob('*.npy'):
        np.save(path, np.full((20, 4, 5, 24), np.nan, np.float16))
    said = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'warning', said.append)
    dataset = build(root)
    with pytest.raises(BadSampleError) as caught:
        dataset[3]
    message = str(caught.value)
    assert 'train.jsonl: no sample can be used, 30 in a row are bad' in message
    assert 'video v2: ' in message and 'NaN' in message and '\n' not in message
    assert len(said) <= 8


def test_skipped_sample_is_reported_once(make_store, line, monkeypatch):
    root = make_store([line(0), line(1)])
    np.save(root / 'video/v0.npy', np.full((20, 4, 5, 24), np.nan, np.float16))
    said = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'warning', said.append)
    dataset = build(root)
    for _ in range(3):
        assert dataset[0]['data_samples'].video_id == 'v1'
    assert len(said) == 1 and said[0].startswith('sample skipped: video v0')


def test_a_large_but_finite_feature_is_fine(make_store, line):
    root = make_store([line(0)])
    np.save(root / 'video/v0.npy', np.full((20, 4, 5, 24), 65000, np.float16))
    assert build(root, test_mode=True)[0]['inputs']['video'].max() == 65000


def test_features_of_another_rate_are_refused(make_store, line):
    root = make_store([line(0)])
    with open(root / 'video/manifest.json', 'w') as file:
        json.dump(dict(fps=1.0), file)
    with pytest.raises(BadSampleError, match=r'made at 1\.0 .* asks for 0\.5'):
        build(root)


def test_a_missing_annotation_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'absent\.jsonl does not exist'):
        build(tmp_path, ann_file='absent.jsonl')


def test_a_query_without_salient_clip_is_skipped(make_store, line):
    empty = line(0, relevant_windows=[], relevant_clip_ids=[], saliency_scores=[])
    item = build(make_store([empty, line(1)]))[0]
    assert item['data_samples'].query_id == 1


def test_a_damaged_manifest_is_named(make_store, line):
    root = make_store([line(0)])
    for content in (b'{"fps"', b'[1]', b'\xff'):
        (root / 'video/manifest.json').write_bytes(content)
        with pytest.raises(BadSampleError, match=r'manifest\.json is damaged'):
            build(root)


def test_features_of_varying_rate_are_refused_for_a_fixed_one(make_store, line):
    root = make_store([line(0)])
    (root / 'video/manifest.json').write_text('{"fps": "auto"}')
    with pytest.raises(BadSampleError, match=r'made at auto .* asks for 0\.5'):
        build(root)


def test_the_data_set_says_how_far_lengths_may_disagree(make_store, line):
    root = make_store([line(0)])
    np.save(root / 'video/v0.npy', np.zeros((26, 4, 5, 24), np.float16))
    with pytest.raises(BadSampleError, match='disagrees with the duration'):
        build(root)
    item = build(root, max_length_gap=6)[0]
    assert item['inputs']['video'].shape[0] == 20


@pytest.mark.parametrize('mode', ['raise', 'drop', 'clean'])
@pytest.mark.parametrize('test_mode', [False, True])
def test_windows_that_are_not_finite_are_refused(make_store, line, mode, test_mode):
    root = make_store([line(0), line(1, relevant_windows=[[1, float('nan')]])])
    with pytest.raises(AnnotationError, match=r'train\.jsonl:2: .*finite'):
        build(root, bad_windows=mode, test_mode=test_mode)


def test_a_cut_off_gzip_is_named(make_store, line):
    root = make_store([line(i, query=f'{i * 7919}') for i in range(60)])
    packed = gzip.compress((root / 'train.jsonl').read_bytes())
    for content in (packed[:-40], packed[:30] + b'xxxxxx' + packed[36:], b'no gzip'):
        (root / 'train.jsonl.gz').write_bytes(content)
        with pytest.raises(AnnotationError, match=r'jsonl\.gz:\d+: .*cut off or dam'):
            build(root, ann_file='train.jsonl.gz')


def test_a_line_in_another_encoding_is_named(make_store, line):
    root = make_store([line(0), line(1)])
    with open(root / 'train.jsonl', 'ab') as file:
        file.write('{"query": "ein Flügel"}\n'.encode('latin-1'))
    with pytest.raises(AnnotationError, match=r'train\.jsonl:3: not UTF-8'):
        build(root)


def test_a_clip_that_the_video_ends_in_may_be_annotated(line):
    fields = dict(duration=39, relevant_clip_ids=[0, 19, 20])
    sample = parse_sample(line(0, **fields), 'x.jsonl:7', 2.0)
    assert sample['annotator_scores'].sum(axis=1).tolist() == [6, *[0] * 18, 12, 1]
