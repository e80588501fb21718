"""Ten minutes and two hours: moments at window borders, memory that does not grow."""

import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from bright_model import colours

from mmvtg.apis import VTGInferencer
from mmvtg.encoding.stream_encoder import StreamEncoder

# windows of 150 s that begin every 75 s: borders at every multiple of 75
PLANTED = dict(
    red=[
        (0, 6),  # at the start of the video
        (71, 79),  # around a border
        (145, 150),  # ends at one
        (225, 230),  # begins at one
        (250, 320),  # nearly the overlap, across two borders
        (380, 520),  # longer than the overlap, nearly a window
    ],
    green=[(40, 560)],  # several windows
    blue=[(74, 76), (149, 151), (299, 300), (300 + 3, 304), (590, 600)],
)


def plant(duration: float) -> dict:
    """The moments above, again and again until the end of the video."""
    moments = {
        name: [
            (start + offset, end + offset)
            for offset in range(0, int(duration), 600)
            for start, end in spans
        ]
        for name, spans in PLANTED.items()
    }
    moments['red'].append((duration - 3, duration))  # at the end of the video
    return moments


def check(inferencer: VTGInferencer, path: str, planted: dict, clips: int) -> None:
    queries = list(planted)
    predictions = inferencer(path, queries)['predictions']
    assert [p['query'] for p in predictions] == queries
    for prediction in predictions:
        found = sorted((start, end) for start, end, _ in prediction['moments'])
        wanted = join_touching(planted[prediction['query']])
        assert found == wanted
        assert len(prediction['saliency']) == clips
        values = np.array(prediction['saliency'])
        bright = colours(planted, clips, inferencer.fps)
        bright = bright[:, ('red', 'green', 'blue').index(prediction['query'])] > 128
        assert values[bright].min() > 0.8 and values[~bright].max() < 0.15


def join_touching(spans: list) -> list:
    """Moments without a clip between them are one."""
    joined = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def test_ten_minutes_of_a_real_file(colour_config, write_video):
    planted = plant(600)
    path = str(write_video(colours(planted, 600, 1.0)))
    inferencer = VTGInferencer(colour_config, 'random', 'cpu')
    check(inferencer, path, planted, 600)
    seen = list(inferencer.streams.towers['video'].batches)
    assert sum(seen) == 600  # each frame once, whatever windows overlap
    check(inferencer, path, planted, 600)  # from the cache
    assert inferencer.streams.towers['video'].batches == seen
    coarse = VTGInferencer(colour_config, 'random', 'cpu', fps=0.5)  # 75 clips
    prediction = coarse(path, 'green')['predictions'][0]
    assert [row[:2] for row in prediction['moments']] == [[40, 560]]


class SyntheticVideo:
    """Takes the place of ApartVideo; counts the frames that are alive here."""

    alive = most = 0

    def __init__(self, item, source, clips, decode):
        self.duration = float(Path(item.path).read_text())
        total = int(self.duration * source.fps)
        self.values = colours(plant(self.duration), total, source.fps)
        self.size, self.clips = source.size, clips

    def __len__(self):
        return len(self.values)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def chunks(self):
        for start in range(0, len(self), self.clips):
            values = self.values[start : start + self.clips, :, None, None]
            shape = (*values.shape[:2], self.size, self.size)
            yield count(SyntheticVideo, np.broadcast_to(values, shape).copy())

    def close(self):
        pass


class CountedFeatures:
    """How many rows of features are alive."""

    alive = most = 0


def count(counter: type, rows: np.ndarray) -> np.ndarray:
    """Count rows until nothing refers to their memory any more."""
    number = len(rows)
    counter.alive += number
    counter.most = max(counter.most, counter.alive)

    def forget() -> None:
        counter.alive -= number

    weakref.finalize(rows, forget)
    return rows


@pytest.fixture
def most_alive(colour_config, monkeypatch, tmp_path):
    """A function: seconds of video -> most frames and most features alive."""
    monkeypatch.setattr('mmvtg.encoding.stream_encoder.DecodedVideo', SyntheticVideo)
    slice_rows = StreamEncoder._sliced
    monkeypatch.setattr(
        StreamEncoder,
        '_sliced',
        lambda self, rows: torch.from_numpy(
            count(CountedFeatures, slice_rows(self, rows).numpy().copy())
        ),
    )

    def run(duration: int, **kwargs) -> tuple:
        path = tmp_path / 'v.mp4'
        path.write_text(str(duration))
        inferencer = VTGInferencer(colour_config, 'random', 'cpu', **kwargs)
        for counter in (SyntheticVideo, CountedFeatures):
            counter.alive = counter.most = 0
        check(inferencer, str(path), plant(duration), duration)
        return SyntheticVideo.most, CountedFeatures.most

    return run


def test_two_hours_in_the_memory_of_a_window(most_alive):
    frames, features = most_alive(7200, cache_bytes=0)
    assert frames <= 2 * 16  # a chunk at work and the next one
    assert features <= 150 + 2 * 16  # a window and the chunks at its ends
    assert (frames, features) == most_alive(1800, cache_bytes=0)


def test_the_cache_holds_a_whole_video_only_if_it_fits(most_alive):
    row = 3 * 2  # bytes: three channels in half precision
    assert most_alive(1800, cache_bytes=1799 * row)[1] <= 150 + 2 * 16
    assert most_alive(1800, cache_bytes=1800 * row)[1] == 1800


def test_coupled_frames_are_alive_with_their_neighbors_only(most_alive, colour_config):
    tower = colour_config['encoding']['streams']['video']['tower']
    tower.update(couples_frames=True, margin=11)
    frames, features = most_alive(7200, cache_bytes=0)
    assert frames <= 4 * 16 + 2 * 11 and features <= 150 + 3 * 16
    assert most_alive(1800, cache_bytes=0)[0] == frames
