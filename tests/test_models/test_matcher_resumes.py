"""A pretext training that was killed goes on as it would have; its file is small."""

import json

import open_clip
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmvtg.models.towers import build_clip
from mmvtg.structures import GroundingDataSample

SIZE = dict(width=24, num_layers=2)
HOOKS = [
    dict(type='ActionPrompt', motion_dim=5, text_width=16, **SIZE),
    dict(type='TemporalPrompt', **SIZE),
]


class Moments(torch.utils.data.Dataset):
    """Six moments of six videos."""

    metainfo = {}

    def __len__(self):
        return 6

    def __getitem__(self, index):
        rng = torch.Generator().manual_seed(index)
        frames = torch.randint(0, 256, (3, 3, 16, 16), generator=rng, dtype=torch.uint8)
        motion = torch.randn(3, 5, generator=rng)
        inputs = dict(
            positive=frames[:2],
            positive_motion=motion[:2],
            intra=frames[2:],
            intra_motion=motion[2:],
            token_ids=torch.tensor([62, 5 + index, 63]),
        )
        meta = dict(video_id=str(index), query_id=index, verb_position=1)
        return dict(inputs=inputs, data_samples=GroundingDataSample(metainfo=meta))


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp('clip')
    sizes = dict(
        embed_dim=16,
        vision_cfg=dict(image_size=16, patch_size=8, layers=2, width=24, head_width=8),
        text_cfg=dict(context_length=12, vocab_size=64, width=16, heads=2, layers=2),
    )
    (folder / 'resumed-clip.json').write_text(json.dumps(sizes))
    open_clip.add_model_config(folder)
    torch.manual_seed(0)
    path = str(folder / 'clip.pt')
    torch.save(build_clip('resumed-clip').state_dict(), path)
    return path


def train(weights, folder, epochs, resume=False):
    clip = dict(model='resumed-clip', pretrained=weights)
    model = dict(
        type='VideoTextMatcher',
        vision_tower=dict(type='CLIPVisionTower', hooks=HOOKS, **clip),
        text_tower=dict(type='CLIPTextTower', hooks=[dict(type='TokenTap')], **clip),
        losses=dict(
            ranking=dict(type='MomentRankingLoss'),
            consistency=dict(type='AttentionConsistencyLoss', loss_weight=200.0),
        ),
    )
    runner = Runner(
        model=model,
        work_dir=str(folder),
        train_dataloader=dict(
            batch_size=3,
            dataset=Moments(),
            sampler=dict(type='DefaultSampler', shuffle=True),
            collate_fn=dict(type='pseudo_collate'),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        default_hooks=dict(checkpoint=dict(type='SafeCheckpointHook', interval=1)),
        custom_hooks=[dict(type='IterationSeedHook')],
        randomness=dict(seed=0),
        resume=resume,
        default_scope='mmvtg',
        experiment_name=f'{folder.name}-{epochs}-{resume}',
        cfg=Config(dict(default_scope='mmvtg')),
    )
    runner.train()
    return runner.model


def test_training_goes_on_from_what_was_trained(weights, tmp_path):
    whole = train(weights, tmp_path / 'whole', 3)
    train(weights, tmp_path / 'parts', 1)
    resumed = train(weights, tmp_path / 'parts', 3, resume=True)
    expected = dict(whole.named_parameters())
    for name, parameter in resumed.named_parameters():
        assert torch.equal(parameter, expected[name]), name
    saved = torch.load(tmp_path / 'whole' / 'epoch_3.pth', weights_only=True)
    trained = {name for name, p in whole.named_parameters() if p.requires_grad}
    assert saved['state_dict'].keys() == trained
    moments = saved['optimizer']['state']
    assert len(moments) == len(trained)  # nothing of the frozen towers
