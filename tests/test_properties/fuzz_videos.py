"""Run an inferencer on damaged copies of a video.

    python fuzz_videos.py VIDEO COUNT

Prints one JSON object with the number of copies that were answered and that were
refused by name. Anything else ends it with a traceback.
"""

import json
import math
import os
import sys
import tempfile

import bright_model  # noqa: F401 registers the parts of the config
import numpy as np

from mmvtg.apis import VTGInferencer
from mmvtg.datasets.errors import BadSampleError
from mmvtg.utils import register_all_modules

CONFIG = dict(
    fps=1.0,
    window=150.0,
    model=dict(type='BrightRuns'),
    encoding=dict(
        streams=dict(video=dict(tower=dict(type='ColourTower'), frame_size=8)),
        query=dict(tower=dict(type='IdTower')),
    ),
)


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    """Cut off, with a hole, with bits flipped, or no video at all."""
    kind = rng.integers(5)
    if kind == 0:
        return data[: rng.integers(len(data))]
    if kind == 1:
        start, stop = sorted(rng.integers(len(data), size=2))
        return data[:start] + data[stop:]
    if kind == 2:
        start, size = rng.integers(len(data)), rng.integers(1, 200)
        return data[:start] + bytes(size) + data[start + size :]
    if kind == 3:
        return rng.bytes(int(rng.integers(300)))
    spoilt = np.frombuffer(data, np.uint8).copy()
    places = rng.integers(len(spoilt), size=rng.integers(1, 40))
    spoilt[places] ^= rng.integers(1, 256, size=len(places)).astype(np.uint8)
    return spoilt.tobytes()


def main(path: str, count: int) -> None:
    register_all_modules()
    inferencer = VTGInferencer(CONFIG, 'random', 'cpu')
    with open(path, 'rb') as file:
        data = file.read()
    rng = np.random.default_rng(0)
    found = dict(answered=0, refused=0)
    with tempfile.TemporaryDirectory() as folder:
        for index in range(count):
            bad = os.path.join(folder, f'bad{index}.mp4')
            with open(bad, 'wb') as file:
                file.write(damage(data, rng))
            sys.stderr.write(f'{index}\n')  # so that one knows which one crashed
            try:
                (answer,) = inferencer(bad, 'red', on_error='raise')['predictions']
            except BadSampleError as error:
                assert f'bad{index}.mp4' in str(error), error
                found['refused'] += 1
                continue
            assert answer['duration'] > 0 and math.isfinite(answer['duration'])
            assert len(answer['saliency']) == math.floor(answer['duration'] + 1e-3)
            found['answered'] += 1
    sys.stdout.write(json.dumps(found) + '\n')


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]))
