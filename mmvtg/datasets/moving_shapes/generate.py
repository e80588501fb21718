"""Write a MovingShapes data root: videos, annotations, manifest."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple, Union

import numpy as np
from mmengine.logging import print_log
from tqdm import tqdm

from .annotations import SPLITS, annotate
from .layout import write_annotations
from .render import render_frames
from .sampling import sample_scene
from .scene import FPS, GRID, RESOLUTION, Scene, frame_times
from .vocabulary import (
    ACTIONS,
    COLOURS,
    SHAPES,
    heldout_triples,
    heldout_vocabulary,
    train_vocabulary,
)
from .workers import run_tasks
from .writer import write_json, write_video

#: Raised whenever the same seed gives other videos or annotations.
GENERATOR_VERSION = '1.1'


class Size(NamedTuple):
    """Videos in the five splits and the range of durations in seconds."""

    counts: Tuple[int, ...]
    durations: Tuple[int, int]
    trimmed_clips: bool = False


SIZES: Dict[str, Size] = {
    'tiny': Size((12, 4, 4, 4, 4), (24, 32), trimmed_clips=True),
    'demo': Size((500, 60, 100, 40, 40), (24, 40)),
    'full': Size((1000, 150, 150, 150, 150), (24, 60)),
}


@dataclass(frozen=True)
class _Task:
    root: str
    seed: int
    split: str
    index: int
    durations: Tuple[int, int]
    trimmed_clips: bool


def generate(
    root: Union[str, Path],
    size: str = 'tiny',
    seed: int = 0,
    num_workers: Optional[int] = None,
    progress: bool = True,
    counts: Optional[Mapping[str, int]] = None,
    trimmed_clips: Optional[bool] = None,
) -> dict:
    """Write the data set into ``root``; finished videos of an earlier run are kept.

    Args:
        root: data root, made if missing.
        size: 'tiny', 'demo' or 'full'.
        seed: the same seed gives the same files, whatever the number of workers.
        num_workers: processes; 0 works in this one; None takes the cores of the
            machine, or none of them for less than 60 videos.
        progress: whether to show a progress bar.
        counts: videos in a split, where they differ from the size's.
        trimmed_clips: whether to write ``recognition/clips`` as mp4 files too; None
            does so for 'tiny'.

    Returns:
        dict: the manifest, also written to ``root/manifest.json`` at the very end.

    Raises:
        ValueError: unknown size or split, or ``root`` holds another data set.
    """
    root = Path(root)
    recipe = _make_recipe(size, seed, counts, trimmed_clips)
    _check_recipe(root, recipe)
    for leftover in root.rglob('.*.part*'):
        leftover.unlink()
    tasks = [
        _Task(
            str(root),
            seed,
            split,
            index,
            tuple(recipe['durations']),
            recipe['trimmed_clips'],
        )
        for split in SPLITS
        for index in range(recipe['videos'][split])
    ]
    records: List[Optional[dict]] = [None] * len(tasks)
    bar = tqdm(
        total=len(tasks), desc='MovingShapes', unit='video', disable=not progress
    )
    with bar:
        for place, record in run_tasks(_make_video, tasks, num_workers):
            records[place] = record
            bar.update()
    write_annotations(root, GENERATOR_VERSION, records)
    manifest = _make_manifest(recipe, records)
    write_json(root / 'manifest.json', manifest)
    print_log(f'MovingShapes "{size}" with {len(tasks)} videos: {root}', 'current')
    return manifest


def scene_of(
    seed: int, split: str, index: int, durations: Tuple[int, int]
) -> Tuple[Scene, np.random.Generator]:
    """The scene of a video, and the random generator that annotates it."""
    entropy = [seed, SPLITS.index(split), index]
    rng = np.random.default_rng([*entropy, 0])
    scene = sample_scene(rng, durations, split == 'novel_composition')
    return scene, np.random.default_rng([*entropy, 1])


def _make_video(task: _Task) -> dict:
    """Render a video unless it is there, and annotate it."""
    scene, rng = scene_of(task.seed, task.split, task.index, task.durations)
    record = annotate(rng, scene, task.split, task.index)
    path = Path(task.root, 'videos', f'{record["vid"]}.mp4')
    if path.is_file() and path.stat().st_size:
        return record
    frames = render_frames(scene, frame_times(scene.duration))
    if task.trimmed_clips:
        folder = Path(task.root, 'recognition', 'clips')
        for start, end, label in record['clips']:
            name = f'{record["vid"]}_{start}_{end}.mp4'
            write_video(folder / label / name, frames[start * FPS : end * FPS])
    # Last, so that a video on disk says that its clips are there too.
    write_video(path, frames)
    return record


def _make_recipe(
    size: str,
    seed: int,
    counts: Optional[Mapping[str, int]],
    trimmed_clips: Optional[bool],
) -> dict:
    """All that decides about the files' content."""
    if size not in SIZES:
        raise ValueError(f'unknown size {size!r}; choose one of {", ".join(SIZES)}')
    videos = dict(zip(SPLITS, SIZES[size].counts))
    unknown = set(counts or ()) - set(videos)
    if unknown:
        raise ValueError(
            f'counts names unknown splits {sorted(unknown)}; known: {", ".join(SPLITS)}'
        )
    videos.update(counts or {})
    if trimmed_clips is None:
        trimmed_clips = SIZES[size].trimmed_clips
    return dict(
        generator_version=GENERATOR_VERSION,
        seed=seed,
        size=size,
        videos=videos,
        durations=list(SIZES[size].durations),
        trimmed_clips=trimmed_clips,
    )


def _check_recipe(root: Path, recipe: dict) -> None:
    """Refuse a root with other content; write down what this one is going to hold."""
    path = root / 'recipe.json'
    if not path.is_file():
        videos = root / 'videos'
        if videos.is_dir() and any(videos.glob('*.mp4')):
            raise ValueError(
                f'{videos} holds videos but {path} is missing, so nobody knows what '
                'they show; choose an empty folder or remove the videos'
            )
        write_json(path, recipe)
        return
    found = json.loads(path.read_text(encoding='utf-8'))
    differs = [
        f'{key} is {found.get(key)!r} there, {value!r} asked for'
        for key, value in recipe.items()
        if found.get(key) != value
    ]
    if differs:
        raise ValueError(
            f'{root} holds another MovingShapes: {"; ".join(differs)}. Choose another '
            'folder, ask for the same data set again, or remove this folder first'
        )


def _make_manifest(recipe: dict, records: List[dict]) -> dict:
    counts = {}
    for split in SPLITS:
        rows = [record for record in records if record['split'] == split]
        queries = [query for record in rows for query in record['queries']]
        counts[split] = dict(
            videos=len(rows),
            queries=len(queries),
            moments=sum(len(query['relevant_windows']) for query in queries),
            seconds=sum(record['duration'] for record in rows),
        )
    return dict(
        **recipe,
        fps=FPS,
        resolution=[RESOLUTION, RESOLUTION],
        clip_length=GRID,
        counts=counts,
        classes=list(ACTIONS),
        colours=list(COLOURS),
        shapes=list(SHAPES),
        vocabulary=sorted(train_vocabulary()),
        heldout_vocabulary=sorted(heldout_vocabulary()),
        heldout_triples=[list(triple) for triple in heldout_triples()],
    )
