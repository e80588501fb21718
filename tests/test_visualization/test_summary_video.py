"""The summary film shows the chosen parts, in order, and nothing else."""

from fractions import Fraction

import numpy as np
import pytest
from video_files import H264, draw_number, evenly, read_number, write_video

from mmvtg.video import open_video
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
    with open_video(path) as reader:
        frames = np.stack(list(reader.frames(range(len(reader)))))
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
    for spans in ([[9, 10]], [[3, 3]]):
        with pytest.raises(RuntimeError, match='none of the spans'):
            write_summary_video(video, spans, str(out))
    assert not out.exists()


def test_parts_outside_of_the_video_and_of_no_length_are_skipped(video, tmp_path):
    out = str(tmp_path / 'summary.mp4')
    write_summary_video(video, [[0, 0], [7.5, 99], [20, 30], [2, 2.5]], out)
    assert reds(out).tolist() == [7] * 5 + [2] * 5


def test_a_video_of_a_variable_rate_runs_at_true_speed(tmp_path):
    times = [*evenly(10, 10), *evenly(3, Fraction(1, 3), 1), *evenly(20, 20, 10)]
    path, out = str(tmp_path / 'v.mp4'), str(tmp_path / 'summary.mp4')
    write_video(path, times, rate=20, options=H264)
    write_summary_video(path, [[2, 6], [9.5, 10.5]], out)
    with open_video(out) as reader:
        assert reader.times.frame_rate == pytest.approx(3) and len(reader) == 15
        seen = [read_number(frame) for frame in reader.frames(range(15))]
    stamps = np.array(times, float)
    wanted = [*2 + np.arange(12) / 3, *9.5 + np.arange(3) / 3]
    assert seen == [int(np.flatnonzero(stamps <= t + 1e-6)[-1]) for t in wanted]


@pytest.mark.parametrize('size', [(95, 127), (96, 127), (1, 1), (2000, 3000)])
def test_sizes_that_are_odd_or_large(tmp_path, size):
    path, out = str(tmp_path / 'v.mkv'), str(tmp_path / 'summary.mp4')
    coding = dict(codec='ffv1', pix_fmt='bgr0', size=size, draw=draw_number)
    write_video(path, evenly(3, 5), rate=5, **coding)
    write_summary_video(path, [[0, 1]], out)
    with open_video(out) as reader:
        height, width = reader.size
        assert height % 2 == 0 and width % 2 == 0 and len(reader) == 3
        assert 0 <= height - min(size[0], 720) <= 1
