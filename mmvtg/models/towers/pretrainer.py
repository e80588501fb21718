"""Trains a small CLIP from scratch, and writes its weights as open_clip reads them."""

import math
import os
from typing import Any, Dict, List, Optional, Tuple, Union

import torch
import torch.nn.functional as F
from mmengine.model import BaseDataPreprocessor, BaseModel
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from mmvtg.models.layers import sine_grid
from mmvtg.registry import MODELS, TRANSFORMS
from mmvtg.utils.files import write_atomic

_MAX_LOGIT_SCALE = math.log(100)  # as CLIP clips it
_WORD_GAIN = 4  # most words fit many images: their mean differs little between them


@MODELS.register_module()
class CaptionPreprocessor(BaseDataPreprocessor):
    """Stacks images and tokenises their captions.

    Takes a batch of ``dict(inputs=dict(image=...), caption=str)`` as mmengine's
    ``pseudo_collate`` makes it. Images stay uint8; the tower normalises them. Captions
    repeat, so their tokens are remembered.

    Args:
        tokenizer (dict, optional): Config of the transform that makes ``token_ids`` of
            ``query``; default: ``TokenizeQuery``.
        non_blocking (bool): Whether copies to the device may overlap with work.
    """

    def __init__(
        self, tokenizer: Optional[dict] = None, non_blocking: bool = False
    ) -> None:
        super().__init__(non_blocking=non_blocking)
        self.tokenizer = TRANSFORMS.build(tokenizer or dict(type='TokenizeQuery'))
        self._known: Dict[str, Tensor] = {}

    def forward(self, data: Dict[str, Any], training: bool = False) -> Dict[str, Any]:
        """Make model inputs of a collated batch.

        Args:
            data (dict): ``inputs.image``: (3, H, W) uint8 Tensors; ``caption``: str.
            training (bool): Not used.

        Returns:
            dict: ``inputs``: ``image`` (B, 3, H, W) uint8, ``query`` (B, L) int64,
            ``query_mask`` (B, L) bool; ``data_samples``: None.
        """
        ids = [self._tokenize(caption) for caption in data['caption']]
        lengths = torch.tensor([len(one) for one in ids])
        query = pad_sequence(ids, batch_first=True)
        inputs = dict(
            image=torch.stack(list(data['inputs']['image'])),
            query=query,
            query_mask=torch.arange(query.shape[1]) < lengths[:, None],
        )
        return dict(inputs=self.cast_data(inputs), data_samples=None)

    def _tokenize(self, caption: str) -> Tensor:
        if caption not in self._known:
            sample = self.tokenizer(dict(query=caption, query_id=repr(caption)))
            self._known[caption] = sample['token_ids']
        return self._known[caption]


@MODELS.register_module()
class CLIPPretrainer(BaseModel):
    """Both towers, trained to find each image's caption and each caption's image.

    The loss is CLIP's: cross-entropy over the cosines of a batch, in both directions,
    with a learned temperature. Equal captions are no negatives of each other.

    CLIP trains no patch: only the class token meets the text. Where patches shall know
    which words they show, ``patch_loss_weight`` adds the same loss over another score:
    each word looks for its patch (:func:`late_interaction`).

    Args:
        vision_tower (dict): Config of a :class:`CLIPVisionTower`, ``frozen=False``.
        text_tower (dict): Config of a :class:`CLIPTextTower`, ``frozen=False``.
        init_temperature (float): Cosines are divided by it at the start.
        patch_loss_weight (float): Of the loss between words and patches.
        position_code (float): Size of a sine code of their place that patches get
            before training; small images do not make a tower learn one that lasts.
        data_preprocessor (dict, optional): Default: :class:`CaptionPreprocessor`.
    """

    def __init__(
        self,
        vision_tower: dict,
        text_tower: dict,
        init_temperature: float = 0.07,
        patch_loss_weight: float = 0.0,
        position_code: float = 0.0,
        data_preprocessor: Optional[dict] = None,
    ) -> None:
        super().__init__(
            MODELS.build(data_preprocessor or dict(type='CaptionPreprocessor'))
        )
        self.vision_tower = MODELS.build(vision_tower)
        self.text_tower = MODELS.build(text_tower)
        if self.vision_tower.frozen or self.text_tower.frozen:
            raise ValueError('CLIPPretrainer: towers need frozen=False to be trained')
        if init_temperature <= 0:
            raise ValueError(f'init_temperature is {init_temperature}, want > 0')
        self.logit_scale = nn.Parameter(torch.tensor(-math.log(init_temperature)))
        self.patch_loss_weight = patch_loss_weight
        if patch_loss_weight:
            self.word_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        if position_code:
            places = self.vision_tower.clip.positional_embedding.data[1:]
            side = math.isqrt(len(places))
            places += position_code * sine_grid(side, places.size(1))

    def forward(
        self,
        inputs: Dict[str, Tensor],
        data_samples: Optional[List] = None,
        mode: str = 'tensor',
    ) -> Union[Dict[str, Tensor], Tuple[Tensor, Tensor]]:
        """mmengine's door to :meth:`loss` and :meth:`embed`.

        Args:
            inputs (dict): As :class:`CaptionPreprocessor` makes them.
            data_samples (list, optional): Not used.
            mode (str): ``loss``, ``predict`` or ``tensor``.
        """
        if mode == 'loss':
            return self.loss(inputs)
        if mode in ('predict', 'tensor'):
            return self.embed(inputs)
        raise ValueError(f"mode is {mode!r}, want 'loss', 'predict' or 'tensor'")

    def embed(self, inputs: Dict[str, Tensor]) -> Tuple[Tensor, Tensor]:
        """Unit-length embeddings of images (B, D) and captions (B, D)."""
        images, _ = self.vision_tower.encode(inputs['image'])
        texts = self.text_tower(inputs['query'], inputs['query_mask']).pooled
        return F.normalize(images, dim=-1), F.normalize(texts, dim=-1)

    def loss(self, inputs: Dict[str, Tensor]) -> Dict[str, Tensor]:
        """The losses of a batch, and how often the right partner ranks first.

        Args:
            inputs (dict): As :class:`CaptionPreprocessor` makes them.

        Returns:
            dict: ``loss``, and ``loss_patch`` if it has a weight; ``image_to_text`` and
            ``text_to_image``: accuracies in [0, 1]; ``temperature``.
        """
        tokens, _ = self.vision_tower.encode_tokens(inputs['image'])
        query = self.text_tower(inputs['query'], inputs['query_mask'])
        images = F.normalize(self.vision_tower.project(tokens[:, 0]), dim=-1)
        texts = F.normalize(query.pooled, dim=-1)
        same = equal_captions(inputs['query'], inputs['query_mask'])
        scale = self.logit_scale.clamp(max=_MAX_LOGIT_SCALE).exp()
        logits = (scale * images @ texts.T).masked_fill(same, float('-inf'))
        losses = dict(loss=both_ways(logits))
        if self.patch_loss_weight:
            patches = F.normalize(self.vision_tower.project(tokens[:, 1:]), dim=-1)
            words = F.normalize(query.words, dim=-1)
            sharpness = self.word_scale.clamp(max=_MAX_LOGIT_SCALE).exp()
            score = late_interaction(patches, words, query.mask, sharpness)
            score = (_WORD_GAIN * sharpness * score).masked_fill(same, float('-inf'))
            losses['loss_patch'] = self.patch_loss_weight * both_ways(score)
        target = torch.arange(len(logits), device=logits.device)
        with torch.no_grad():
            found = [(logits.argmax(dim=d) == target).float().mean() for d in (1, 0)]
        return dict(
            losses,
            image_to_text=found[0],
            text_to_image=found[1],
            temperature=1 / scale.detach(),
        )


def equal_captions(query: Tensor, mask: Tensor) -> Tensor:
    """(B, L) ids and mask to (B, B) bool: whether two captions are the same text."""
    query = query.masked_fill(~mask, 0)
    same = (query[:, None] == query).all(dim=-1)
    return same.fill_diagonal_(False)


def both_ways(logits: Tensor) -> Tensor:
    """CLIP's loss of (B, B) logits whose diagonal holds the true pairs."""
    target = torch.arange(len(logits), device=logits.device)
    loss = F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)
    return loss / 2


def late_interaction(
    patches: Tensor, words: Tensor, mask: Tensor, sharpness: Tensor
) -> Tensor:
    """How well images show captions, word by word (after FILIP, Yao et al. 2022).

    A word scores the best patch by cosine, softly: log-mean-exp with ``sharpness``. A
    caption scores the mean of its words. Patches do not choose words in turn: most of
    them show background, of which no caption speaks.

    Args:
        patches (Tensor): (B, P, D), unit length.
        words (Tensor): (B, L, D), unit length, the start token first, which tells
            nothing in a causal tower and does not count.
        mask (Tensor): (B, L) bool.
        sharpness (Tensor): Scalar > 0.

    Returns:
        Tensor: (B, B), row: image, column: caption.
    """
    mask = mask.clone()
    mask[:, 0] = False
    cosines = torch.einsum('ipd,nd->ipn', patches, words[mask])
    best = torch.logsumexp(sharpness * cosines, dim=1) - math.log(patches.size(1))
    caption = mask.nonzero()[:, 0]
    total = best.new_zeros(len(patches), len(words)).index_add(1, caption, best)
    return total / sharpness / mask.sum(1)


def export_clip(model: CLIPPretrainer, path: Union[str, os.PathLike]) -> None:
    """Write both towers as one open_clip weights file, half precision, atomically.

    ``pretrained=path`` of a tower, and open_clip itself, read it.

    Args:
        model (CLIPPretrainer): Trained model.
        path (str): Target, ``*.safetensors``.
    """
    state = model.vision_tower.clip.state_dict(prefix='visual.')
    state.update(model.text_tower.clip.state_dict())
    state['logit_scale'] = model.logit_scale.detach()
    half = {key: value.cpu().half().contiguous() for key, value in state.items()}
    broken = [key for key, value in half.items() if not value.isfinite().all()]
    if broken:
        raise ValueError(
            f'{broken[0]} is not finite in half precision; did it diverge?'
        )
    write_atomic(path, save(half))
