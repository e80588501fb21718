"""The film: as long as the video, with the line where the time is."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from video_files import H264, draw_number, evenly, read_number, write_video

from mmvtg.video import open_video
from mmvtg.visualization import Timeline, write_timeline_video
from mmvtg.visualization.panels import BLUE
from mmvtg.visualization.timeline import draw_panels
from mmvtg.visualization.video_writer import VideoWriter


@pytest.fixture
def video(tmp_path) -> str:
    """8 s of 80 frames, red first and green from the middle on."""
    path = str(tmp_path / 'v.mp4')
    with VideoWriter(path, 10, 50, 80) as writer:
        for index in range(80):
            frame = np.zeros((50, 80, 3), np.uint8)
            frame[..., index // 40] = 200
            writer.write(frame)
    return path


def timeline(**kwargs) -> Timeline:
    fields = dict(spans=[[2, 4]], scores=[0.7], saliency=np.arange(8))
    return Timeline('a query', 8.0, **{**fields, **kwargs})


def read(path: str) -> tuple:
    with open_video(path) as reader:
        frames = np.stack(list(reader.frames(range(len(reader)))))
        return frames, reader.times.frame_rate


def test_film_shows_video_line_and_moment(video, tmp_path):
    out = str(tmp_path / 'new' / 'film.mp4')
    write_timeline_video(timeline(), video, out)
    frames, fps = read(out)
    assert len(frames) == 80 and fps == 10
    _, box = draw_panels(timeline())
    middle = frames[:, box.top + 300, 600]  # of the frame, which begins under the title
    assert (middle[:39, 0] > 150).all() and (middle[:39, 1] < 60).all()
    assert (middle[41:, 1] > 150).all() and (middle[41:, 0] < 60).all()
    # the frame is 960 pixels wide: its blue edge is at 120 while the moment plays
    edge = frames[:, box.top + 300, 122].astype(int)
    blue = np.abs(edge - [int(BLUE[i : i + 2], 16) for i in (1, 3, 5)]).max(1) < 40
    assert blue[21:39].all() and not blue[:19].any() and not blue[41:].any()
    # the line is the darkest thing beside the frames' row of the time
    row = box.top + 600 + 30 - 3
    for index in (5, 40, 75):
        x = box.left + index / 80 * (box.right - box.left)
        dark = frames[index, row, :, :].sum(1).argmin()
        assert abs(dark - x) <= 2


def test_frame_rate_is_bounded_and_length_kept(video, tmp_path):
    out = str(tmp_path / 'film.mp4')
    write_timeline_video(timeline(), video, out, max_fps=4)
    frames, fps = read(out)
    assert fps == 4 and len(frames) == 32
    with pytest.raises(ValueError, match='max_fps must be > 0, got 0'):
        write_timeline_video(timeline(), video, out, max_fps=0)


@pytest.mark.parametrize('size', [(30, 200), (201, 31), (20, 20)])
def test_any_shape_fits(tmp_path, size):
    path, out = str(tmp_path / 'v.mp4'), str(tmp_path / 'film.mp4')
    height, width = (side + side % 2 for side in size)
    with VideoWriter(path, 5, height, width) as writer:
        for _ in range(5):
            writer.write(np.zeros((height, width, 3), np.uint8))
    write_timeline_video(timeline(saliency=None, spans=[], scores=[]), path, out)
    frames, _ = read(out)
    assert frames.shape[1] % 2 == 0 and frames.shape[2] == 1200


def test_a_film_is_there_whole_or_not_at_all(tmp_path):
    (tmp_path / 'bad.mp4').write_bytes(b'no video')
    with pytest.raises(RuntimeError, match=r'no frames can be read from .*bad\.mp4'):
        write_timeline_video(
            timeline(), str(tmp_path / 'bad.mp4'), str(tmp_path / 'out' / 'film.mp4')
        )
    assert list((tmp_path / 'out').iterdir()) == []


def test_a_video_of_a_variable_rate_runs_at_true_speed(tmp_path):
    times = [*evenly(10, 10), *(Fraction(s) for s in (1, 4)), *evenly(20, 20, 7)]
    path, out = str(tmp_path / 'v.mp4'), str(tmp_path / 'film.mp4')
    write_video(path, times, rate=20, options=H264, size=(96, 128))
    nothing = dict(spans=[], scores=[], saliency=None)
    write_timeline_video(timeline(**nothing), path, out)
    frames, fps = read(out)
    assert fps == pytest.approx(4) and len(frames) == 32
    _, box = draw_panels(timeline(**nothing))
    stamps = np.array(times, float)
    for number, frame in enumerate(frames):
        picture = frame[box.top : box.top + 600, 200:1000]
        expected = np.flatnonzero(stamps <= number / 4 + 1e-6)[-1]
        assert read_number(picture) == expected


def test_a_folder_of_images(tmp_path):
    folder, out = tmp_path / 'images', str(tmp_path / 'film.mp4')
    folder.mkdir()
    for number in range(16):
        Image.fromarray(draw_number(number)).save(folder / f'{number}.png')
    write_timeline_video(timeline(), str(folder), out, frame_rate=2.0)
    frames, fps = read(out)
    assert fps == 2 and len(frames) == 16
    with pytest.raises(ValueError, match='give the number of images per second'):
        write_timeline_video(timeline(), str(folder), out)


def test_moments_of_no_length_are_not_drawn(video, tmp_path):
    out = str(tmp_path / 'film.mp4')
    spans = [[0, 0], [2, 4], [8, 9]]
    write_timeline_video(timeline(spans=spans, scores=[0.9, 0.5, 0.4]), video, out)
    _, box = draw_panels(timeline())
    frame = read(out)[0][30]
    blue = [int(BLUE[i : i + 2], 16) for i in (1, 3, 5)]
    assert np.abs(frame[box.top + 300, 122].astype(int) - blue).max() < 40
