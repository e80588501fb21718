"""The neck in which clips read the query."""

import torch

from mmvtg.models.necks import CrossEncoder
from mmvtg.models.necks.input_projection import InputProjection
from mmvtg.structures import QueryFeatures, VideoFeatures

LAYER = dict(num_heads=2, ffn_channels=16, dropout=0.0)


def make_inputs():
    torch.manual_seed(0)
    mask = torch.arange(6) < torch.tensor([6, 4, 5])[:, None]
    words_mask = torch.arange(5) < torch.tensor([5, 2, 3])[:, None]
    return (
        VideoFeatures(mask=mask, clips=torch.randn(3, 6, 10)),
        QueryFeatures(mask=words_mask, words=torch.randn(3, 5, 12)),
    )


def make_neck(**kwargs):
    torch.manual_seed(1)
    settings = dict(layer=LAYER, inputs=dict(dropout=0.0), **kwargs)
    return CrossEncoder(10, 12, channels=8, **settings)


def test_negative_pairs_are_the_next_queries():
    neck = make_neck(summary_token=True, negative_pairs=True)
    video, query = make_inputs()
    own = neck.train()(video, query)
    order = [1, 2, 0]
    foreign = QueryFeatures(mask=query.mask[order], words=query.words[order])
    expected = neck.eval()(video, foreign)
    assert torch.allclose(own.negative.clips, expected.clips, atol=1e-6)
    assert torch.allclose(own.negative.summary, expected.summary, atol=1e-6)
    assert torch.allclose(own.clips, neck(video, query).clips, atol=1e-6)
    assert neck(video, query).negative is None


def test_official_padding_hides_words_of_other_samples():
    sound, official = make_neck(), make_neck(official_padding=True)
    official.load_state_dict(sound.state_dict())
    video, query = make_inputs()
    one, two = sound(video, query).clips, official(video, query).clips
    mask = video.mask
    assert not torch.allclose(one[mask], two[mask], atol=1e-4)
    alone = [
        VideoFeatures(mask=mask[:1], clips=video.clips[:1]),
        QueryFeatures(mask=query.mask[:1], words=query.words[:1]),
    ]
    assert torch.allclose(sound(*alone).clips, official(*alone).clips, atol=1e-6)


def test_each_stream_gets_endpoints_and_a_norm_of_its_own():
    video, query = make_inputs()
    projection = InputProjection([6, 4], 12, 8, normalize=True)
    joined = projection._join(video.clips, video.mask)
    assert joined.shape == (3, 6, 14)
    first, tef, second, again = joined.split([6, 2, 4, 2], dim=-1)
    ones = torch.ones(3, 6)
    assert torch.allclose(first.norm(dim=-1), ones, atol=1e-3)
    assert torch.allclose(second.norm(dim=-1), ones, atol=1e-3)
    assert torch.equal(tef, again)
    assert torch.allclose(tef[1, 3], torch.tensor([0.75, 1.0]))
    assert not tef[1, 4:].any()


def test_no_query_of_the_same_video_is_negative():
    neck = make_neck(negative_pairs=True).train()
    video, query = make_inputs()
    shared = VideoFeatures(video.mask[:2], clips=video.clips[:2])
    shared.owners = torch.tensor([0, 0, 1])
    negative = neck(shared, query).negative
    spread = shared.spread()
    foreign = [2, 2, 0]
    chosen = QueryFeatures(mask=query.mask[foreign], words=query.words[foreign])
    expected = neck.eval()(spread, chosen)
    assert torch.allclose(negative.clips, expected.clips, atol=1e-6)
    alone = VideoFeatures(video.mask[:1], clips=video.clips[:1])
    alone.owners = torch.zeros(3, dtype=torch.long)
    assert neck.train()(alone, query).negative is None


def test_official_negatives_are_the_next_queries_of_any_video():
    neck = make_neck(
        summary_token=True, negative_pairs=True, official_negatives=True
    ).train()
    video, query = make_inputs()
    alone = (
        VideoFeatures(mask=video.mask[:1], clips=video.clips[:1]),
        QueryFeatures(mask=query.mask[:1], words=query.words[:1]),
    )
    own = neck(*alone)
    assert torch.allclose(own.negative.clips, own.clips, atol=1e-6)
    assert torch.allclose(own.negative.summary, own.summary, atol=1e-6)
    shared = VideoFeatures(video.mask[:2], clips=video.clips[:2])
    shared.owners = torch.tensor([0, 0, 1])
    negative = neck(shared, query).negative
    order = [1, 2, 0]
    chosen = QueryFeatures(mask=query.mask[order], words=query.words[order])
    expected = neck.eval()(shared.spread(), chosen)
    assert torch.allclose(negative.clips, expected.clips, atol=1e-6)
