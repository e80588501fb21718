"""Weights come from many files, and nothing in them runs."""

import pytest
import torch
from malicious_files import write_pickle, write_raw_pickle, write_torchscript

from mmvtg.models.towers import CLIPTextTower, CLIPVisionTower, build_clip
from mmvtg.models.towers import clip_weights as cw
from mmvtg.utils.tensor_files import is_torchscript


def same(a, b):
    a, b = a.state_dict(), b.state_dict()
    assert a.keys() == b.keys()
    return all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize('suffix', ['.pt', '.pth', '.bin', '.safetensors'])
def test_local_files(clip_file, suffix):
    model, path = clip_file('small-gelu', suffix)
    assert same(build_clip('small-gelu', path), model)


def test_wrapped_checkpoint(clip_file, tmp_path):
    model, _ = clip_file('small-gelu')
    state = {f'module.{key}': value for key, value in model.state_dict().items()}
    path = str(tmp_path / 'wrapped.pt')
    torch.save(dict(epoch=3, state_dict=state), path)
    assert same(build_clip('small-gelu', path), model)


class _OpenAIArchive(torch.nn.Module):
    """What is particular of OpenAI's files: three settings beside the weights."""

    def __init__(self, clip):
        super().__init__()
        for name, child in clip.named_children():
            self.add_module(name, child)
        for name, parameter in clip.named_parameters(recurse=False):
            self.register_parameter(name, parameter)
        for name in cw._OPENAI_SETTINGS:
            self.register_buffer(name, torch.tensor(77))

    def forward(self, x):
        return x


def save_archive(model, path):
    module = _OpenAIArchive(model)
    torch.jit.save(torch.jit.trace(module, torch.zeros(1)), path)
    assert is_torchscript(path)


@pytest.mark.filterwarnings('ignore')
def test_openai_torchscript_archive(clip_file, tmp_path):
    model, _ = clip_file('small-quick')
    path = str(tmp_path / 'ViT-B-32.pt')
    save_archive(model, path)
    assert same(build_clip('small-quick', path), model)
    with pytest.raises(ValueError, match='QuickGELU'):
        build_clip('small-gelu', path)


@pytest.mark.parametrize('write', [write_pickle, write_raw_pickle, write_torchscript])
def test_code_in_a_file_is_not_run(write, tmp_path):
    path, mark = tmp_path / 'evil.pt', tmp_path / 'mark'
    write(path, mark)
    with pytest.raises(ValueError, match='no readable weights file') as info:
        build_clip('small-gelu', str(path))
    assert 'weights_only' not in str(info.value)
    assert not mark.exists()


def test_averaged_weights_are_taken_and_said(clip_file, tmp_path):
    model, _ = clip_file('small-gelu')
    last = {key: torch.zeros_like(x) for key, x in model.state_dict().items()}
    path = str(tmp_path / 'both.pt')
    torch.save(dict(state_dict=last, state_dict_ema=model.state_dict()), path)
    assert same(build_clip('small-gelu', path), model)


def test_bad_names_say_what_there_is(tmp_path):
    with pytest.raises(ValueError, match='near names:.*ViT-B-32'):
        build_clip('ViT-B32')
    with pytest.raises(ValueError, match="'laion'.*tags: openai"):
        build_clip('ViT-B-32-quickgelu', 'laion')
    with pytest.raises(ValueError, match='ViT-B-32-quickgelu'):
        build_clip('ViT-B-32', 'openai')
    with pytest.raises(FileNotFoundError, match='absent.pt'):
        build_clip('small-gelu', str(tmp_path / 'absent.pt'))
    with pytest.raises(FileNotFoundError, match="'shipped'"):
        build_clip('small-gelu', 'shipped')
    (tmp_path / 'cut.safetensors').write_bytes(b'12345')
    with pytest.raises(ValueError, match='cut.safetensors'):
        build_clip('small-gelu', str(tmp_path / 'cut.safetensors'))


def test_weights_of_another_model_are_named(clip_file):
    _, path = clip_file('small-gelu')
    with pytest.raises(ValueError, match='does not fit.*missing.*another shape'):
        build_clip('tiny-clip', path)


def test_tiny_clip_fits_into_the_repository():
    vision, text = CLIPVisionTower('tiny-clip'), CLIPTextTower('tiny-clip')
    count = sum(p.numel() for t in (vision, text) for p in t.parameters())
    assert 2 * count < 16e6
    assert vision.num_layers == text.num_layers == 6
    assert (vision.num_tokens, vision.width, vision.embed_dim) == (65, 128, 96)
    assert (text.context_length, text.width, text.embed_dim) == (77, 96, 96)
    assert text.clip.token_embedding.num_embeddings == 49408


def test_hash_knows_the_weights(clip_file):
    _, path = clip_file('small-gelu')
    one, two = (CLIPTextTower('small-gelu', path) for _ in range(2))
    assert one.weights_sha256() == two.weights_sha256()
    two.clip.ln_final.bias[0] += 1e-3
    assert one.weights_sha256() != two.weights_sha256()
