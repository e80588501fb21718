"""Scenes of MovingShapes and their frames."""

import numpy as np
import pytest

from mmvtg.datasets.moving_shapes import (
    actor_poses,
    frame_times,
    render_frames,
    reverse_scene,
    sample_scene,
    scene_of,
)
from mmvtg.datasets.moving_shapes.vocabulary import (
    ACTIONS,
    COLOURS,
    FAMILIES,
    INVERSE,
)


def scenes(number, **kwargs):
    return [
        sample_scene(np.random.default_rng([9, i]), **kwargs) for i in range(number)
    ]


@pytest.fixture(scope='module')
def many():
    return scenes(1500)


# -- scenes ----------------------------------------------------------------------------


def test_scene_is_deterministic_and_differs_between_videos():
    first, rng = scene_of(3, 'train', 5, (24, 60))
    again, rng_again = scene_of(3, 'train', 5, (24, 60))
    assert first == again
    assert rng.random() == rng_again.random()
    others = [
        scene_of(3, 'train', 6, (24, 60))[0],
        scene_of(3, 'val', 5, (24, 60))[0],
        scene_of(4, 'train', 5, (24, 60))[0],
    ]
    assert all(other != first for other in others)


def test_scene_keeps_its_promises(many):
    kinds = set()
    for scene in many[:400]:
        assert 24 <= scene.duration <= 60 and scene.duration % 2 == 0
        assert 1 <= len(scene.actors) <= 3
        looks = [(actor.colour, actor.shape) for actor in scene.actors]
        assert len(set(looks)) == len(looks)
        for actor in scene.actors:
            scales = any(a.kind in FAMILIES['scale'] for a in actor.actions)
            assert (actor.size is None) == scales
            assert actor.actions
            free, state = 0, actor.initial
            for action in actor.actions:
                kinds.add(action.kind)
                assert free <= action.start < action.end <= scene.duration
                assert action.start % 2 == 0 and 2 <= action.end - action.start <= 12
                assert action.before == state
                free, state = action.end, action.after
    assert kinds == set(ACTIONS)


def test_actions_do_what_their_names_say(many):
    for scene in many[:300]:
        for actor in scene.actors:
            for action in actor.actions:
                step = np.subtract(action.after, action.before)
                if action.kind in ('slide_left', 'slide_right'):
                    sign = -1 if action.kind == 'slide_left' else 1
                    assert sign * step[0] > 128 / 3 and not step[1:].any()
                elif action.kind in ('rise', 'sink'):
                    # y points down.
                    sign = -1 if action.kind == 'rise' else 1
                    assert sign * step[1] > 128 / 3 and step[0] == step[2] == 0
                elif action.kind in ('grow', 'shrink'):
                    sign = 1 if action.kind == 'grow' else -1
                    assert sign * step[2] > 8 and not step[:2].any()
                else:
                    assert not step.any()


def test_nothing_teleports(many):
    for scene in many[:100]:
        for actor in scene.actors:
            poses = actor_poses(actor, frame_times(scene.duration))
            moves = np.abs(np.diff(poses[:, :3], axis=0))
            assert moves.max() < 14
            assert poses[:, :2].min() > 10 and poses[:, :2].max() < 118


def test_actors_hardly_hide_each_other(many):
    hidden = []
    for scene in many[:300]:
        times = np.arange(0.5, scene.duration)
        tracks = [actor_poses(actor, times) for actor in scene.actors]
        for i, one in enumerate(tracks):
            for other in tracks[:i]:
                distance = np.hypot(*(one - other)[:, :2].T)
                hidden.append((distance < 0.5 * (one + other)[:, 2]).mean())
    assert np.mean(hidden) < 0.03
    assert np.mean(np.array(hidden) > 0.2) < 0.05


# -- time reversal ---------------------------------------------------------------------


def test_reversed_scene_is_the_video_played_backwards():
    for scene in scenes(6, durations=(24, 28)):
        times = frame_times(scene.duration)
        frames = render_frames(scene, times, noise=False)
        backwards = render_frames(reverse_scene(scene), times, noise=False)[::-1]
        # Anti-aliased edges may round to the other 1/16 of a pixel.
        assert np.abs(frames.astype(int) - backwards).mean() < 0.05
        assert np.abs(frames.astype(int) - frames[::-1]).mean() > 0.5


def test_reversal_swaps_names_and_is_its_own_inverse(many):
    for scene in many[:100]:
        reverse = reverse_scene(scene)
        for actor, mirrored in zip(scene.actors, reverse.actors):
            expected = [INVERSE[a.kind] for a in actor.actions[::-1]]
            assert [a.kind for a in mirrored.actions] == expected
        assert reverse_scene(reverse).actors == scene.actors


def pooled(scene_list, kind, mirror):
    """Frames (poses) in which somebody does ``kind``, and the idle states around."""
    during, before, after = [], [], []
    for scene in scene_list:
        for actor in scene.actors:
            for action in actor.actions:
                if action.kind != kind:
                    continue
                times = np.linspace(action.start + 0.1, action.end - 0.1, 8)
                during.append(actor_poses(actor, times))
                first, last = action.before, action.after
                before.append(last if mirror else first)
                after.append(first if mirror else last)
    return np.concatenate(during), np.array(before), np.array(after)


@pytest.mark.parametrize('family', ['slide', 'lift', 'scale'])
def test_no_single_frame_tells_the_direction(many, family):
    """Frames of an action and of its inverse come from the same distribution."""
    kind, inverse = FAMILIES[family]
    one, other = pooled(many, kind, False), pooled(many, inverse, True)
    assert 0.85 < len(one[1]) / len(other[1]) < 1.18
    for ours, theirs in zip(one, other):
        # Eight frames of one action count as one draw.
        count = min(len(one[1]), len(other[1]))
        for column in range(ours.shape[1]):
            a, b = np.sort(ours[:, column]), np.sort(theirs[:, column])
            grid = np.concatenate([a, b])
            gap = np.searchsorted(a, grid, 'right') / len(a)
            gap = np.abs(gap - np.searchsorted(b, grid, 'right') / len(b))
            # Kolmogorov-Smirnov at the 0.1 % level.
            assert gap.max() < 1.95 * np.sqrt(2 / count)


def test_actions_before_and_after_give_no_hint(many):
    """An action is as often the first or last of a video as its inverse."""
    for kind in ('slide_left', 'rise', 'grow'):
        centres = {kind: [], INVERSE[kind]: []}
        for scene in many:
            for action in (a for actor in scene.actors for a in actor.actions):
                if action.kind in centres:
                    middle = (action.start + action.end) / 2 / scene.duration
                    centres[action.kind].append(middle)
        one, other = centres[kind], centres[INVERSE[kind]]
        spread = np.sqrt(np.var(one) / len(one) + np.var(other) / len(other))
        assert abs(np.mean(one) - np.mean(other)) < 3.5 * spread


# -- rendering -------------------------------------------------------------------------


def test_frames_do_not_depend_on_what_is_rendered_with_them():
    scene = scenes(1)[0]
    times = frame_times(scene.duration)
    frames = render_frames(scene, times)
    assert frames.shape == (scene.duration * 8, 128, 128, 3)
    assert frames.dtype == np.uint8
    some = [7, 3, 100]
    assert np.array_equal(render_frames(scene, times[some]), frames[some])


def test_actor_has_its_colour_where_it_is():
    for scene in scenes(20):
        actor = scene.actors[-1]
        frame = render_frames(scene, np.array([0.05]), noise=False)[0]
        x, y, radius, angle, alpha = actor_poses(actor, np.array([0.05]))[0][:5]
        if alpha < 0.99:
            continue
        # Below the centre: inside of each shape and off the clock hand.
        px = x + 0.3 * radius * np.sin(-angle)
        py = y + 0.3 * radius * np.cos(angle)
        pixel = frame[int(py), int(px)].astype(int)
        assert np.abs(pixel - COLOURS[actor.colour]).max() < 12
