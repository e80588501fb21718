"""Proposals and class scores of videos from files: what is read, what is refused."""

import json

import pytest
import torch
from malicious_files import write_raw_pickle

from mmvtg.models.task_modules import VideoClassScores, read_proposals


def write(tmp_path, content):
    path = tmp_path / 'file.json'
    path.write_text(json.dumps(content))
    return str(path)


def test_best_proposals_of_each_video(tmp_path):
    rows = [dict(segment=[0, '2.5'], score=0.1), dict(segment=[1, 3], score='0.7')]
    path = write(tmp_path, dict(results=dict(v=rows, w=[])))
    found = read_proposals(path, 5)
    assert found['v'][0].tolist() == [[1, 3], [0, 2.5]]
    torch.testing.assert_close(found['v'][1], torch.tensor([0.7, 0.1]))
    assert found['w'][0].shape == (0, 2)
    assert read_proposals(path, 1)['v'][0].tolist() == [[1, 3]]


@pytest.mark.parametrize(
    'content, message',
    [
        ([], "no object 'results'"),
        (dict(results=dict(v=3)), "video 'v' has no list"),
        (dict(results=dict(v=[dict(segment=[1, 2])])), "'v'.*no segment.*score"),
        (dict(results=dict(v=[dict(segment=[1], score=1)])), "'v'.*no segment"),
        (dict(results=dict(v=[dict(segment=[1, 'nan'], score=1)])), "'v'.*no segment"),
    ],
)
def test_malformed_proposals(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read_proposals(write(tmp_path, content), 5)


SCORES = dict(
    v=[dict(label='long_jump', score=3), dict(label='spin', score=1)],
    w=[dict(label='other', score=1)],
)
CLIPS = torch.tensor([[0.1, 0.1, 0.2], [0.3, 0.6, 0.0]])
CLASSES = ('long jump', 'spin', 'grow')


def test_scores_of_the_video_replace_those_of_clips(tmp_path):
    scores = VideoClassScores(write(tmp_path, dict(results=SCORES)), weight=1.0)
    found = scores(CLIPS, 'v', CLASSES)
    want = CLIPS.sum(1, keepdim=True) * torch.tensor([0.75, 0.25, 0.0])
    torch.testing.assert_close(found, want)


def test_mixture_lies_between_both_and_keeps_the_sum(tmp_path):
    scores = VideoClassScores(write(tmp_path, dict(results=SCORES)))
    found = scores(CLIPS, 'v', CLASSES)
    torch.testing.assert_close(found.sum(1), CLIPS.sum(1))
    # sqrt(3/4 x 1/4) : sqrt(1/4 x 1/4)
    torch.testing.assert_close(found[0, 0] / found[0, 1], torch.tensor(3**0.5))


@pytest.mark.parametrize(
    'video, message', [('x', "no scores of video 'x'"), ('w', 'spelt alike')]
)
def test_videos_without_scores_are_refused(tmp_path, video, message):
    scores = VideoClassScores(write(tmp_path, dict(results=SCORES)))
    with pytest.raises(ValueError, match=message):
        scores(CLIPS, video, CLASSES)


def test_bad_scores_and_weight(tmp_path):
    path = write(tmp_path, dict(results=dict(v=[dict(label='a', score=-1)])))
    with pytest.raises(ValueError, match="'v'.*score >= 0"):
        VideoClassScores(path)(CLIPS, 'v', CLASSES)
    with pytest.raises(ValueError, match='weight is 0'):
        VideoClassScores(path, weight=0)


def test_a_pickle_is_no_json_and_not_run(tmp_path):
    path, mark = tmp_path / 'proposals.pkl', tmp_path / 'mark'
    write_raw_pickle(path, mark)
    with pytest.raises(ValueError, match=r'proposals\.pkl: not valid JSON'):
        read_proposals(str(path), 5)
    assert not mark.exists()
