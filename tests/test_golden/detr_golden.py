"""Reads recordings of the DETR family; the tests of all four methods use it."""

import json
import runpy
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from golden_files import golden_folder
from mmengine.structures import InstanceData
from safetensors.torch import load_file
from tolerances import DETR_GRADIENT, close

from mmvtg.models.data_preprocessors.grounding import pad_sequences
from mmvtg.structures import (
    GroundingDataSample,
    QueryFeatures,
    VideoFeatures,
    center_to_span,
)
from mmvtg.utils.conversion import rename

ROOT = Path(__file__).parents[2]


def cases(method):
    """Names of the recordings of a method that are complete."""
    found = golden_folder(method).glob('*_meta.json')
    return sorted(file.name[: -len('_meta.json')] for file in found)


def converter(method):
    return runpy.run_path(str(ROOT / 'tools' / 'model_converters' / f'{method}.py'))


def noise(name, shape):
    """Uniform in [-1, 1) by an integer hash of a name, as the recording's README."""
    mask = np.uint64(0xFFFFFFFF)
    seed = zlib.crc32(name.encode()) * 0x9E3779B9 & 0xFFFFFFFF
    h = np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(seed) & mask
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        h ^= h >> np.uint64(shift)
        h = h * np.uint64(factor) & mask
    return (2 * h.astype(np.float64) / 2**32 - 1).reshape(shape)


def formula_parameter(name, shape, salt=''):
    u = noise(salt + name, shape)
    if len(shape) > 1:
        u = u * np.sqrt(3 / np.prod(shape[1:]))
    elif 'norm' in name.lower() and name.endswith('weight'):
        u = 1 + 0.1 * u
    elif name.endswith('activation.weight'):
        u = 0.25 + 0.1 * u
    else:
        u = 0.1 * u
    return torch.from_numpy(u.astype(np.float32))


#: What the recordings hold of predictions, and our settings for it.
PREDICTIONS = [
    ('predictions_before_rounding', None),
    ('predictions', dict(unit=2.0)),
    (
        'predictions_after_nms_0p7',
        # the authors' helper removes what lies above 0.7, not at it
        dict(unit=2.0, nms=dict(kind='hard', iou_threshold=0.7 + 1e-6), keep=10),
    ),
]


class Case:
    """One recording: inputs, what was annotated, weights, and what came out."""

    def __init__(self, method, name, folder=None):
        folder, self.name = Path(folder or golden_folder(method)), name
        self.meta = json.loads((folder / f'{name}_meta.json').read_text())
        self.data = load_file(folder / f'{name}_data.safetensors')
        self.config, self.options = self.meta['config'], self.meta['options']
        self.mask = self.data['in/src_vid_mask'].bool()
        self.words_mask = self.data['in/src_txt_mask'].bool()
        # a recording with corrected masks shares weights and inputs with the other
        source = name.replace('_fixedmask', '')
        self._weights = folder / f'{source}_weights.safetensors'
        if source != name:
            shared = load_file(folder / f'{source}_data.safetensors')
            self.data = {**shared, **self.data}

    def state(self):
        """The authors' state dict."""
        if self._weights.is_file():
            return load_file(self._weights)
        state = {
            key: formula_parameter(key, shape, self.config.get('salt', ''))
            for key, shape in self.meta['state_dict_shapes'].items()
        }
        for key, value in self.data.items():
            if key.startswith('override/'):
                state[key[len('override/') :]] = value
        return state

    @lru_cache(maxsize=1)  # noqa: B019  one case at a time
    def inputs(self):
        """Video and query features without endpoints; checked by their sums."""
        if 'in/src_vid' in self.data:
            video, query = self.data['in/src_vid'][..., :-2], self.data['in/src_txt']
        else:
            video, query = self._formula_inputs()
        sums = self.meta['input_checksums']
        assert abs(query.double().abs().sum().item() - sums['src_txt'][1]) < 1e-2
        return (
            VideoFeatures(mask=self.mask, clips=video),
            QueryFeatures(mask=self.words_mask, words=query),
        )

    def _formula_inputs(self):
        tag, dims = self.config['tag'], self.config['dims']
        videos, queries = [], []
        for k in range(len(self.mask)):
            clips, words = self.config['vlens'][k], self.config['tlens'][k]
            streams = [
                unit(noise(f'{tag}/vid_{stream}/{k}', (clips, width)))
                for stream, width in zip('ab', dims)
            ]
            videos.append(torch.cat(streams, dim=1)[: self.mask.size(1)])
            query = unit(noise(f'{tag}/txt/{k}', (words, self.config['tdim'])))
            queries.append(query[: self.words_mask.size(1)])
        return pad_sequences(videos)[0], pad_sequences(queries)[0]

    def samples(self):
        return [self._sample(k) for k in range(len(self.mask))]

    def _sample(self, k):
        annotation, length = self.meta['annotations'][k], int(self.mask[k].sum())
        fps = 1 / self.options['clip_length']
        meta = dict(
            query_id=annotation['qid'],
            duration=float(annotation['duration']),
            fps=fps,
            num_clips=length,
        )
        pairs = [self.data[f'tgt/saliency_{sign}_labels'][k] for sign in ('pos', 'neg')]
        meta['saliency_pairs'] = torch.stack(pairs, dim=1)
        meta['positive_clip'] = int(pairs[0][0])
        if 'tgt/src_pos_mask' in self.data:
            relevant = self.data['tgt/src_pos_mask'][k].nonzero()[:, 0]
            meta['positive_clips'] = relevant.numpy()
        sample = GroundingDataSample(metainfo=meta)
        spans = center_to_span(self.data[f'tgt/span_labels/{k}']) * length / fps
        sample.gt_moments = InstanceData(spans=spans)
        sample.gt_saliency = torch.zeros(length)
        if 'tgt/saliency_all_labels' in self.data:
            sample.gt_saliency = self.data['tgt/saliency_all_labels'][k] / 12
        return sample

    def matching(self):
        """(layers, B, Q): the target of each query, -1 for none."""
        matcher, queries = self.meta['matcher'], self.config['nq']
        layers = [f'aux_{i}' for i in range(len(matcher) - 1)] + ['last']
        found = torch.full((len(layers), len(self.mask), queries), -1)
        for i, layer in enumerate(layers):
            for k, (query, target) in enumerate(matcher[layer]):
                found[i, k, query] = torch.tensor(target)
        return found

    def layers(self, name):
        """An output of all decoder layers, (layers, B, Q, ...)."""
        count = sum(f'out/aux_{i}/{name}' in self.data for i in range(9))
        rows = [self.data[f'out/aux_{i}/{name}'] for i in range(count)]
        return torch.stack([*rows, self.data[f'out/{name}']])


def fit_inputs(neck, case):
    """Set the widths of the recording.

    From shapes, a converter can tell endpoints only beside widths that are multiples
    of 4.
    """
    neck['video_dims'] = sum(case.config['dims'])
    neck['inputs'].update(use_tef=True, dropout=0.0)


def moment_losses(case):
    """Losses of decoded moments with the weights of the recording."""
    weights, options = case.meta['loss_weights'], case.options
    return dict(
        span=dict(type='SpanL1Loss', loss_weight=weights['loss_span']),
        giou=dict(type='SpanGIoULoss', loss_weight=weights['loss_giou']),
        label=dict(
            type='ForegroundCELoss',
            background_weight=options['eos_coef'],
            loss_weight=weights['loss_label'],
        ),
    )


def unit(x):
    x = x.astype(np.float32)
    x = x / (np.linalg.norm(x, axis=-1, keepdims=True) + 1e-5)
    return torch.from_numpy(x.astype(np.float32))


def compare_gradients(net, case, rules):
    """Norms of gradients by the authors' names."""
    ours = dict(net.named_parameters())
    compared = 0
    for key, norm in case.meta['grad_norms'].items():
        shape = case.meta['state_dict_shapes'][key]
        names = rename({key: torch.empty(shape, device='meta')}, rules)
        if norm is None or not names:
            continue
        found = [ours[name].grad for name in names]
        square = sum(
            (g.square().sum() for g in found if g is not None), torch.zeros(())
        )
        close(square.sqrt(), norm, DETR_GRADIENT)
        compared += 1
    assert compared > 50
