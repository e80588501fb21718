"""Visualizer and hook: from data samples to files."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData

from mmvtg.registry import VISUALIZERS
from mmvtg.structures import GroundingDataSample
from mmvtg.visualization import GroundingVisualizer, TimelineHook, timeline_of


def _sample(qid=7, **metainfo):
    sample = GroundingDataSample(
        metainfo=dict(
            query_id=qid,
            video_id='vid',
            query=f'query {qid} <b>',
            duration=10.0,
            fps=1.0,
            **metainfo,
        )
    )
    sample.gt_moments = InstanceData(spans=torch.tensor([[1.0, 4.0]]))
    sample.pred_moments = InstanceData(
        spans=torch.tensor([[1.0, 5.0]]), scores=torch.tensor([0.5])
    )
    sample.pred_saliency = torch.rand(10)
    return sample


def _runner(tmp_path, total):
    loader = SimpleNamespace(dataset=range(total))
    return SimpleNamespace(
        test_dataloader=loader,
        work_dir=str(tmp_path),
        logger=MMLogger.get_current_instance(),
        visualizer=VISUALIZERS.build(dict(type='GroundingVisualizer', name='test')),
    )


@pytest.fixture
def video(tmp_path):
    av = pytest.importorskip('av')
    path = tmp_path / 'vid.mp4'
    with av.open(str(path), 'w') as file:
        stream = file.add_stream('libx264', rate=8)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        for level in range(80):
            frame = np.full((48, 64, 3), 3 * level, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        file.mux(stream.encode())
    return path


def test_timeline_takes_all_that_a_sample_knows():
    scores = np.array([[0, 2], [4, 4]])
    sample = _sample(annotator_scores=scores, saliency_clip_length=2.0)
    timeline = timeline_of(sample)
    assert timeline.annotated.tolist() == [[1, 4]]
    assert timeline.annotated_saliency.tolist() == [1, 4]
    assert timeline.annotated_fps == 0.5
    assert timeline.caption == 'vid · query 7 · 10 s'
    sample.set_metainfo(dict(duration=7200.0))
    assert timeline_of(sample).caption == 'vid · query 7 · 2:00:00'


def test_visualizer_reads_thumbnails_of_the_video(video, tmp_path):
    visualizer = GroundingVisualizer()
    plain = visualizer.add_datasample('x', data_sample=_sample())
    strip = visualizer.add_datasample(
        'x', data_sample=_sample(), video_path=str(video), out_file=tmp_path / 'x.png'
    )
    assert len(strip) > len(plain)
    assert (tmp_path / 'x.png').is_file()
    assert visualizer.get_image() is not None


@pytest.mark.parametrize('content', [None, b'', b'not a video'])
def test_videos_that_cannot_be_read_cost_only_the_strip(content, tmp_path):
    path = tmp_path / 'v.mp4'
    if content is not None:
        path.write_bytes(content)
    image = GroundingVisualizer().add_datasample(
        'x', data_sample=_sample(), video_path=str(path)
    )
    assert image.shape[1] == 1200


def test_visualizer_needs_a_sample():
    with pytest.raises(ValueError, match='needs a data_sample'):
        GroundingVisualizer().add_datasample('x')


def test_hook_draws_every_nth_sample_and_a_page(tmp_path, video):
    runner = _runner(tmp_path, total=10)
    hook = TimelineHook(num_pictures=3, video_dir=str(tmp_path))
    hook.before_test(runner)
    for start in range(0, 10, 4):
        batch = [_sample(f'q/{i}') for i in range(start, min(start + 4, 10))]
        hook.after_test_iter(runner, start // 4, None, batch)
    hook.after_test_epoch(runner, {})
    folder = tmp_path / 'timelines'
    assert sorted(path.name for path in folder.iterdir()) == [
        'index.html',
        'q_0.png',
        'q_3.png',
        'q_6.png',
    ]
    page = (folder / 'index.html').read_text()
    assert 'src="q_3.png"' in page and '&lt;b&gt;' in page and '3 of 10' in page


def test_hook_that_is_off_draws_nothing(tmp_path):
    runner, hook = _runner(tmp_path, total=1), TimelineHook(enable=False)
    hook.before_test(runner)
    hook.after_test_iter(runner, 0, None, [_sample()])
    hook.after_test_epoch(runner, {})
    assert not (tmp_path / 'timelines').exists()


def _write_everywhere(tmp_path, *backends):
    """Draw with the backends and without and with a file; returns the visualizer."""
    visualizer = VISUALIZERS.build(
        dict(
            type='GroundingVisualizer',
            name=str(tmp_path),
            save_dir=str(tmp_path),
            vis_backends=[dict(type=backend) for backend in backends],
        )
    )
    visualizer.add_datasample('one', data_sample=_sample(), step=3)
    visualizer.add_datasample(
        'two', data_sample=_sample(), out_file=str(tmp_path / 'two.png')
    )
    return visualizer


def test_files_are_not_written_twice(tmp_path):
    _write_everywhere(tmp_path, 'LocalVisBackend')
    names = sorted(path.name for path in tmp_path.rglob('*.png'))
    assert names == ['one_3.png', 'two.png']


def test_tensorboard_gets_all_pictures(tmp_path):
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    visualizer = _write_everywhere(tmp_path, 'TensorboardVisBackend')
    visualizer.close()
    events = EventAccumulator(str(tmp_path / 'vis_data')).Reload()
    assert sorted(events.Tags()['images']) == ['one', 'two']
    (image,) = events.Images('one')
    assert image.step == 3 and image.width == 1200 and image.height > 200


def test_wandb_gets_all_pictures(tmp_path, monkeypatch):
    pytest.importorskip('wandb')
    monkeypatch.setenv('WANDB_MODE', 'offline')
    _write_everywhere(tmp_path, 'WandbVisBackend').close()
    names = [path.name for path in tmp_path.rglob('*.png')]
    assert {name.split('_')[0] for name in names} == {'one', 'two', 'two.png'}


def test_show_opens_a_window(monkeypatch):
    shown = []
    visualizer = GroundingVisualizer()
    monkeypatch.setattr(visualizer, 'show', lambda *args, **kwargs: shown.append(args))
    picture = visualizer.add_datasample('x', data_sample=_sample(), show=True)
    assert shown[0][0] is picture


def test_hook_shows_validation_samples_to_the_backends(tmp_path):
    runner = _runner(tmp_path, total=0)
    runner.visualizer = VISUALIZERS.build(
        dict(
            type='GroundingVisualizer',
            name=str(tmp_path),
            save_dir=str(tmp_path),
            vis_backends=[dict(type='LocalVisBackend')],
        )
    )
    runner.val_dataloader, runner.epoch = SimpleNamespace(dataset=range(4)), 5
    hook = TimelineHook(num_pictures=2, during_val=True)
    for _ in range(2):  # counting starts anew in each validation
        hook.before_val(runner)
        hook.after_val_iter(runner, 0, None, [_sample(f'q/{i}') for i in range(4)])
        runner.epoch += 1
    names = sorted(path.name for path in tmp_path.rglob('*.png'))
    assert names == [f'val_q_{i}_{epoch}.png' for i in (0, 2) for epoch in (5, 6)]
    assert not (tmp_path / 'timelines').exists()


def test_hook_without_during_val_leaves_validation_alone(tmp_path):
    runner = _runner(tmp_path, total=0)
    TimelineHook().after_val_iter(runner, 0, None, [_sample()])
    assert not list(tmp_path.rglob('*.png'))
