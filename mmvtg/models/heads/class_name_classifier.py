"""Classes by their names: the cosine of a video and a text."""

from typing import Dict, List, Optional, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.models.data_preprocessors.grounding import pad_sequences
from mmvtg.registry import MODELS, TRANSFORMS

_NO_LIMIT = 10**6  # of tokens, where the check is ours


@MODELS.register_module()
class ClassNameClassifier(BaseModule):
    """Logits are cosines of videos and class names over a temperature.

    The loss over these logits is eq. 2 of Ju et al. Classes are no part of the model:
    :meth:`set_classes` may be called at any time, with classes that were never trained.
    The hooks of the text tower (:class:`ContextPrompt`) are learned; without hooks,
    ``template`` is a handwritten prompt.

    Args:
        text_tower (dict): Config of a text tower.
        temperature (float): Divides the cosines.
        template (str): What the tower reads of a name, with ``{}`` for the name.
        max_contrast (int): Classes that a training step compares with; where there are
            more, those of the batch and others at random.
    """

    def __init__(
        self,
        text_tower: dict,
        temperature: float = 0.07,
        template: str = '{}',
        max_contrast: int = 400,
    ) -> None:
        super().__init__()
        if temperature <= 0:
            raise ValueError(f'temperature is {temperature}, want > 0')
        if template.format('X') == template:
            raise ValueError(f'template {template!r} has no place {{}} for the name')
        self.text_tower = MODELS.build(text_tower)
        self.temperature = temperature
        self.template = template
        self.max_contrast = max_contrast
        self.class_names: List[str] = []
        self.register_buffer('tokens', None, persistent=False)
        self.register_buffer('token_mask', None, persistent=False)
        self._cached: Optional[Tensor] = None

    def set_classes(self, names: Sequence[str]) -> None:
        """Say which classes there are; labels count them from 0.

        Underscores are read as blanks.

        Args:
            names (Sequence[str]): K names.

        Raises:
            ValueError: No name, one twice, an empty one, or one that is too long for
                the place that the learned vectors leave.
        """
        names = [str(name).replace('_', ' ').strip() for name in names]
        if not names or len(set(names)) < len(names) or not all(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(
                f'class names must be there, differ and have words: {len(names)} '
                f'names, {twice} more than once'
            )
        if names == self.class_names:
            return
        tokens, mask = pad_sequences([self._tokenize(name) for name in names])
        device = next(self.text_tower.parameters()).device
        self.tokens, self.token_mask = tokens.to(device), mask.to(device)
        self.class_names, self._cached = names, None

    def _tokenize(self, name: str) -> Tensor:
        tokenizer = TRANSFORMS.build(
            dict(type='TokenizeQuery', context_length=_NO_LIMIT)
        )
        ids = tokenizer(dict(query=self.template.format(name)))['token_ids']
        tower = self.text_tower
        added = sum(getattr(hook, 'num_added', 0) for hook in tower.hooks)
        if len(ids) + added > tower.context_length:
            raise ValueError(
                f'class name {name!r} has {len(ids) - 2} tokens (template '
                f'{self.template!r}), and {added} learned vectors leave room for '
                f'{tower.context_length - added - 2} of {tower.context_length}: '
                'shorten the name, or learn fewer vectors'
            )
        return ids

    def class_features(self, chosen: Optional[Tensor] = None) -> Tensor:
        """Unit-length features of class names.

        In evaluation the names are read once, until names, weights or mode change.

        Args:
            chosen (Tensor, optional): (M,) int64, which classes; default: all.

        Returns:
            Tensor: (K, D) or (M, D).
        """
        if self.tokens is None:
            raise RuntimeError(
                'the classifier knows no classes: call set_classes(names), or list '
                'ClassNamesHook in custom_hooks'
            )
        if self.training or torch.is_grad_enabled():
            return self._read_names(slice(None) if chosen is None else chosen)
        if self._cached is None:
            self._cached = self._read_names(slice(None))
        return self._cached if chosen is None else self._cached[chosen]

    def _read_names(self, chosen) -> Tensor:
        pooled = self.text_tower(self.tokens[chosen], self.token_mask[chosen]).pooled
        return F.normalize(pooled, dim=-1)

    def forward(self, video: Tensor, chosen: Optional[Tensor] = None) -> Tensor:
        """Features of videos (B, D) to logits (B, K), or (B, M) of chosen classes."""
        names = self.class_features(chosen)
        return F.normalize(video, dim=-1) @ names.T / self.temperature

    def loss(self, video: Tensor, labels: Tensor) -> Dict[str, Tensor]:
        """Cross-entropy, video to text.

        Args:
            video (Tensor): (B, D).
            labels (Tensor): (B,) int64, < K.

        Returns:
            dict: ``loss`` and ``accuracy``, in [0, 1], among the classes compared.
        """
        check_labels(labels, len(self.class_names))
        chosen, labels = self._contrast(labels)
        return classification_loss(self(video, chosen), labels)

    def _contrast(self, labels: Tensor):
        """Classes to compare with, and the labels among them."""
        total = len(self.class_names)
        if total <= self.max_contrast:
            return None, labels
        present, labels = labels.unique(return_inverse=True)
        others = torch.randperm(total).to(labels.device)
        others = others[~torch.isin(others, present)]
        missing = max(self.max_contrast - len(present), 0)
        return torch.cat([present, others[:missing]]), labels

    def train(self, mode: bool = True) -> 'ClassNameClassifier':
        self._cached = None
        return super().train(mode)

    def _load_from_state_dict(self, *args, **kwargs) -> None:
        self._cached = None
        super()._load_from_state_dict(*args, **kwargs)


@MODELS.register_module()
class LinearClassifier(BaseModule):
    """One linear layer on frozen features: the linear probe, a baseline.

    Args:
        channels (int): D.
        num_classes (int): K.
    """

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.fc = nn.Linear(channels, num_classes)
        self.num_classes = num_classes

    def set_classes(self, names: Sequence[str]) -> None:
        """Only their number matters.

        Raises:
            ValueError: It is another one; a linear layer knows no names.
        """
        if len(names) != self.num_classes:
            raise ValueError(
                f'the linear classifier was built for {self.num_classes} classes and '
                f'the data set has {len(names)}: set num_classes'
            )

    def forward(self, video: Tensor) -> Tensor:
        """(B, D) to logits (B, K)."""
        return self.fc(F.normalize(video, dim=-1))

    def loss(self, video: Tensor, labels: Tensor) -> Dict[str, Tensor]:
        """As that of :class:`ClassNameClassifier`."""
        check_labels(labels, self.num_classes)
        return classification_loss(self(video), labels)


def check_labels(labels: Tensor, num_classes: int) -> None:
    """Raise a ValueError for a label that is no class."""
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < num_classes:
        raise ValueError(
            f'labels {int(labels.min())} to {int(labels.max())}, and there are '
            f'{num_classes} classes: do data set and model speak of the same ones?'
        )


def classification_loss(logits: Tensor, labels: Tensor) -> Dict[str, Tensor]:
    """Cross-entropy of (B, K) logits, and the accuracy as a number to watch."""
    accuracy = (logits.detach().argmax(dim=1) == labels).float().mean()
    return dict(loss=F.cross_entropy(logits, labels), accuracy=accuracy)
