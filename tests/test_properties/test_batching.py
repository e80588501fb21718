"""Features of a video do not depend on the videos beside it.

A tower may give other last bits in a batch of another size. The tower here gives quite
other numbers, so that every batch without padding is noticed.
"""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mmvtg.encoding.batching import Batcher

WIDTH = 3


class SizedEncoder:
    """Encoder whose rows depend on the number of clips that are computed at once."""

    couples_frames, margin = False, None

    def __init__(self, unit: int) -> None:
        self.unit = unit

    def __call__(self, clips: Tensor, aux: Tensor | None = None) -> Tensor:
        rows = clips.float() if aux is None else clips.float() + aux
        return torch.cat([part + 1000 * len(part) for part in rows.split(self.unit)])


def encode(
    videos: dict[int, Tensor], order: list[int], unit: int, size: int, piece: int
) -> dict[int, Tensor]:
    """Encode some videos, one after the other; return the rows of each."""
    batcher = Batcher(SizedEncoder(unit), size)
    rows: dict[int, list[Tensor]] = {name: [] for name in order}
    for name in order:
        for frames in videos[name].split(piece):
            for one in batcher.add(name, len(videos[name]), frames):
                rows[one.name].append(one.rows)
    for one in batcher.finish():
        rows[one.name].append(one.rows)
    return {name: torch.cat(parts) for name, parts in rows.items()}


@given(st.data())
def test_features_do_not_depend_on_order_or_grouping(data):
    lengths = data.draw(st.lists(st.integers(1, 20), min_size=1, max_size=6))
    videos = {
        name: torch.arange(length * WIDTH).view(length, WIDTH) % 256 + 7 * name
        for name, length in enumerate(lengths)
    }
    unit = data.draw(st.integers(1, 8))
    numbers = st.integers(1, 24)
    alone = {
        name: encode(videos, [name], unit, data.draw(numbers), data.draw(numbers))[name]
        for name in videos
    }
    order = data.draw(st.permutations(list(videos)))
    cut = data.draw(st.integers(0, len(order)))
    for group in filter(None, (order[:cut], order[cut:])):
        size, piece = data.draw(numbers), data.draw(numbers)
        found = encode(videos, group, unit, size, piece)
        for name, rows in found.items():
            assert torch.equal(rows, alone[name])
