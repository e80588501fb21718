"""Candidates of masks against plain loops, and targets of snippets."""

import pytest
import torch

from mmvtg.models.task_modules import MaskCandidates, snippet_targets
from mmvtg.models.task_modules.mask_candidates import longest_runs


def slow_run(row):
    best = (0, 0)
    for start in range(len(row)):
        end = start
        while end < len(row) and row[end]:
            end += 1
        if end - start > best[1]:
            best = (start, end - start)
    return best


def slow_candidates(scores, masks, thresholds, least, top, share):
    size, found = len(scores), {}
    ranked = sorted(range(size), key=lambda t: -scores[t].max().item())
    ranked = [t for t in ranked if scores[t].max() > least][:top]
    for t in ranked:
        label = int(scores[t].argmax())
        for threshold in thresholds:
            column = masks[:, t]
            start, length = slow_run((column > threshold).tolist())
            if length / size <= share:
                continue
            score = (scores[t].max() * column[start : start + length].max()).item()
            key = (start, start + length, label)
            found[key] = max(found.get(key, 0), score)
    rows = [(-score, *key) for key, score in found.items()]
    return [(a / size, b / size, label, -s) for s, a, b, label in sorted(rows)]


def test_longest_run_is_the_first_of_equal_ones():
    rows = torch.tensor(
        [
            [0, 1, 1, 0, 1, 1],
            [0, 0, 0, 0, 0, 0],
            [1, 1, 1, 1, 1, 1],
            [1, 0, 1, 1, 1, 0],
        ]
    ).bool()
    first, length = longest_runs(rows)
    assert [slow_run(row.tolist())[1] for row in rows] == length.tolist()
    assert first[[0, 2, 3]].tolist() == [1, 0, 2]


@pytest.mark.parametrize('seed', range(4))
def test_candidates_equal_plain_loops(seed):
    rng = torch.Generator().manual_seed(seed)
    scores = torch.rand(30, 5, generator=rng)
    masks = torch.rand(30, 30, generator=rng)
    settings = dict(class_threshold=0.9, top_clips=7, min_share=0.05)
    thresholds = (0.0, 0.3, 0.5)
    find = MaskCandidates(mask_thresholds=thresholds, **settings)
    spans, score, label = find(scores, masks)
    expected = slow_candidates(scores, masks, thresholds, 0.9, 7, 0.05)
    got = [
        (*span, k, s)
        for span, k, s in zip(spans.tolist(), label.tolist(), score.tolist())
    ]
    assert len(got) == len(expected)
    for one, other in zip(got, expected):
        assert one == pytest.approx(other)


def test_nothing_above_the_threshold_gives_nothing():
    find = MaskCandidates(class_threshold=0.5, nms=dict(kind='gaussian'))
    spans, scores, labels = find(torch.full((8, 2), 0.1), torch.rand(8, 8))
    assert spans.shape == (0, 2) and len(scores) == len(labels) == 0


def test_suppression_is_class_by_class():
    scores = torch.zeros(8, 2)
    scores[0, 0], scores[1, 1], scores[2, 0] = 0.9, 0.8, 0.7
    masks = torch.zeros(8, 8)
    masks[:4, :2] = 1.0
    masks[:5, 2] = 1.0
    settings = dict(mask_thresholds=(0.5,))
    nms = dict(kind='hard', iou_threshold=0.5)
    _, kept, labels = MaskCandidates(nms=nms, **settings)(scores, masks)
    assert labels.tolist() == [0, 1] and kept.tolist() == pytest.approx([0.9, 0.8])


def test_short_instance_takes_the_snippet_at_its_centre():
    spans = torch.tensor([[3.1, 3.2], [9.99, 10.5]])
    target = snippet_targets(spans, torch.tensor([0, 1]), 10.0, 10, 2)
    assert target.classes.nonzero().numel() and target.classes[3] == 0
    assert target.classes[9] == 1
    assert target.foreground.nonzero()[:, 0].tolist() == [3, 9]


def test_shorter_instance_rules_where_two_overlap():
    spans = torch.tensor([[2.0, 5.0], [0.0, 10.0]])
    target = snippet_targets(spans, torch.tensor([0, 1]), 10.0, 10, 2)
    assert target.classes.tolist() == [1, 1, 0, 0, 0, 1, 1, 1, 1, 1]
    assert target.masks[:, 3].nonzero()[:, 0].tolist() == [2, 3, 4]
    assert target.masks[:, 0].all()


def test_instance_longer_than_the_video_is_cut_off():
    spans = torch.tensor([[6.0, 99.0], [12.0, 14.0]])
    target = snippet_targets(spans, torch.tensor([0, 1]), 10.0, 10, 2)
    assert target.classes.tolist() == [2] * 6 + [0] * 4


def test_mean_of_a_mask_prefers_what_fits():
    """By its highest value the wide segment is as good as the tight one."""
    masks = torch.full((10, 10), 0.1)
    masks[2:8] = 0.3
    masks[3:6] = 0.9
    scores = torch.zeros(10, 1)
    scores[4] = 0.5
    settings = dict(mask_thresholds=(0.2, 0.5))
    _, score, _ = MaskCandidates(**settings).propose(scores, masks)
    assert score.tolist() == pytest.approx([0.45, 0.45])
    spans, score, _ = MaskCandidates(mask_score='mean', **settings).propose(
        scores, masks
    )
    assert spans.tolist()[0] == pytest.approx([0.3, 0.6])
    assert score.tolist() == pytest.approx([0.45, 0.5 * (3 * 0.9 + 3 * 0.3) / 6])
    with pytest.raises(ValueError, match="mask_score is 'sum'"):
        MaskCandidates(mask_score='sum')


def test_thresholds_leave_out_their_value():
    scores = torch.zeros(10, 1)
    scores[:3, 0] = torch.tensor([0.5, 0.25, 0.75])
    masks = torch.zeros(10, 10)
    masks[:4] = 1.0
    masks[4] = 0.5
    settings = dict(mask_thresholds=(0.5,), class_threshold=0.25)
    # Three clips propose the same segment; its best score stays.
    spans, score, _ = MaskCandidates(min_share=0.3, **settings)(scores, masks)
    assert spans.tolist() == [pytest.approx([0, 0.4])]
    assert score.tolist() == [0.75]
    assert not len(MaskCandidates(min_share=0.4, **settings)(scores, masks)[0])
    only = torch.zeros(10, 1)
    only[1] = 0.25
    assert not len(MaskCandidates(min_share=0.3, **settings)(only, masks)[0])


def test_mean_over_a_segment_of_one_clip():
    scores, masks = torch.zeros(10, 1), torch.zeros(10, 10)
    scores[4], masks[4, 4] = 0.5, 0.8
    find = MaskCandidates(mask_thresholds=(0.2,), mask_score='mean')
    assert find(scores, masks)[1].tolist() == pytest.approx([0.4])


def test_suppression_has_its_settings_and_a_limit_that_grows_with_the_video():
    spans = torch.tensor([[n, n + 0.5] for n in range(8)])
    scores, labels = torch.arange(8, 0, -1.0), torch.zeros(8, dtype=torch.long)
    find = MaskCandidates(nms=dict(kind='linear', max_num=2))
    assert len(find.suppress(spans, scores, labels)[0]) == 2
    assert len(find.suppress(spans, scores, labels, times=3)[0]) == 6
    assert find.nms == dict(kind='linear', max_num=2)
    pair = torch.tensor([[0.0, 1.0], [0.5, 1.0]])
    _, kept, _ = find.suppress(pair, torch.tensor([1.0, 0.5]), labels[:2])
    assert kept.tolist() == [1.0, 0.25]


def test_ten_clips_propose_by_default():
    assert MaskCandidates().top_clips == 10


def test_shorter_is_what_is_shorter_inside_the_video():
    spans = torch.tensor([[-5.0, 2.0], [0.0, 6.0], [4.0, 9.0]])
    target = snippet_targets(spans, torch.tensor([0, 1, 2]), 10.0, 10, 3)
    assert target.classes.tolist() == [0, 0, 1, 1, 2, 2, 2, 2, 2, 3]


def test_start_of_an_instance_is_inside_and_its_end_is_not():
    target = snippet_targets(torch.tensor([[2.5, 5.5]]), torch.tensor([0]), 10.0, 10, 1)
    assert target.foreground.nonzero()[:, 0].tolist() == [2, 3, 4]
