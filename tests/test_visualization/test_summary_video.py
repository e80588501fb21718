"""The summary film shows the chosen parts, in order, and nothing else."""

import decord
import numpy as np
import pytest

from mmvtg.visualization import write_summary_video
from mmvtg.visualization.video_writer import VideoWriter


@pytest.fixture
def video(tmp_path) -> str:
    """8 s of 80 frames; the red of a frame tells its second."""
    path = str(tmp_path / 'v.mp4')
    with VideoWriter(path, 10, 48, 80) as writer:
        for index in range(80):
            frame = np.full((48, 80, 3), 90, np.uint8)
            frame[..., 0] = index // 10 * 30
            writer.write(frame)
    return path


def reds(path: str) -> np.ndarray:
    reader = decord.VideoReader(path)
    frames = reader.get_batch(range(len(reader))).asnumpy()
    return (frames[:, 24, 40, 0] / 30).round().astype(int)


def test_parts_follow_each_other(video, tmp_path):
    out = str(tmp_path / 'new' / 'summary.mp4')
    write_summary_video(video, [[5, 6], [1, 3]], out)
    assert reds(out).tolist() == [5] * 10 + [1] * 10 + [2] * 10


def test_fewer_frames_a_second(video, tmp_path):
    out = str(tmp_path / 'summary.mp4')
    write_summary_video(video, [[2, 4], [7, 8]], out, max_fps=5)
    assert reds(out).tolist() == [2] * 5 + [3] * 5 + [7] * 5


def test_what_goes_wrong_leaves_nothing(video, tmp_path):
    out = tmp_path / 'summary.mp4'
    with pytest.raises(ValueError, match='0 spans'):
        write_summary_video(video, [], str(out))
    (tmp_path / 'bad.mp4').write_bytes(b'no video')
    with pytest.raises(RuntimeError, match='bad.mp4'):
        write_summary_video(str(tmp_path / 'bad.mp4'), [[0, 1]], str(out))
    assert not out.exists()
