"""The protocol by which a method reaches into a tower without forking it."""

from dataclasses import dataclass, field
from typing import Any, Dict, List, NamedTuple, Optional, Union

from mmengine.model import BaseModule
from torch import Tensor


class RowRequest(NamedTuple):
    """Which part of a layer's attention a hook wants to see.

    Args:
        query (int | slice): Tokens whose rows are wanted. An int drops the axis.
        keys (slice): Columns to keep. The softmax still runs over all keys.
        per_head (bool): Keep the heads instead of their mean.
    """

    query: Union[int, slice]
    keys: slice = slice(None)
    per_head: bool = False


@dataclass
class TowerContext:
    """What belongs to one pass of tokens through a tower; thrown away after it.

    Hooks keep no state between calls: what they need is in here, and what they make
    goes in here. N is the number of sequences: frames in a vision tower, queries in a
    text tower.

    Args:
        num_layers (int): Layers of the tower.
        inputs (dict): What the caller handed in by name. Vision: per-frame inputs are
            cut to this pass's frames (N, ...); per-run inputs are whole (B, ...) and
            indexed by ``runs``.
        outputs (dict): What hooks hand out by name, one row a sequence: (N, ...).
        layers (list[Tensor]): What :class:`LayerTap` tapped, (N, tokens, C) each.
        scratch (dict): Private notes that hooks carry from one layer to the next.
        runs (Tensor, optional): Vision only, (N,) int64: the run (video) of each
            frame. Frames of a run are neighbours and in order of time.
        mask (Tensor, optional): Text only, (N, L) bool, True for real tokens. A hook
            that adds or drops tokens replaces it.
        ends (Tensor, optional): Text only, (N,) int64: where the end token stands,
            which is where the sentence is read. Replaced along with ``mask``.
    """

    num_layers: int
    inputs: Dict[str, Any] = field(default_factory=dict)
    outputs: Dict[str, Tensor] = field(default_factory=dict)
    layers: List[Tensor] = field(default_factory=list)
    scratch: Dict[str, Any] = field(default_factory=dict)
    runs: Optional[Tensor] = None
    mask: Optional[Tensor] = None
    ends: Optional[Tensor] = None


class TowerHook(BaseModule):
    """Base of everything that is put into a tower; does nothing by itself.

    Layers are counted from 0. ``tokens`` is always (N, tokens, C), class token first in
    a vision tower. Every method that returns tokens may read them, change them (not in
    place), add some or drop some. Hooks are called in the order of the tower's
    ``hooks``: one that taps tokens stands behind one that drops temporary ones.

    Trainable hooks in a frozen tower work: gradients pass through the layers while the
    tower's weights stay as they are.
    """

    #: True if a frame's result depends on its neighbours. The tower then never splits
    #: a run of frames into chunks.
    couples_frames: bool = False
    #: How many frames away, on either side, a layer's output may come from; None: any
    #: of the run. Of a hook that couples frames and says so, long runs are cut into
    #: pieces that overlap by what N layers reach, which changes nothing.
    reach: Optional[int] = None
    #: True if the hook only stores layers: it has no weights and changes no token.
    only_taps: bool = False

    def describe(self) -> Dict[str, Any]:
        """What the manifest of stored features says of a hook that has weights."""
        return dict(type=type(self).__name__)

    def embed(self, tokens: Tensor, context: TowerContext) -> Tensor:
        """Text only: the token embeddings before positions are added.

        Here learned context vectors are put around words. The hook that moves tokens
        replaces ``context.mask`` and ``context.ends``.
        """
        return tokens

    def before_layers(self, tokens: Tensor, context: TowerContext) -> Tensor:
        """Tokens (N, tokens, C) after the embedding stage, before the first layer.

        Positions and ``ln_pre`` are behind them.
        """
        return tokens

    def before_layer(self, index: int, tokens: Tensor, context: TowerContext) -> Tensor:
        """The input of layer ``index``, (N, tokens, C); tokens may come and go."""
        return tokens

    def attention_rows(
        self, index: int, tokens: Tensor, context: TowerContext
    ) -> Optional[RowRequest]:
        """Which rows of layer ``index``'s attention to hand to :meth:`after_layer`."""
        return None

    def after_layer(
        self,
        index: int,
        tokens: Tensor,
        rows: Optional[Tensor],
        context: TowerContext,
    ) -> Tensor:
        """The output of layer ``index``.

        Args:
            index (int): Layer, from 0.
            tokens (Tensor): (N, tokens, C), raw residual stream.
            rows (Tensor, optional): What ``attention_rows`` asked for, float32:
                (N, keys) for an int query, (N, queries, keys) for a slice; with
                ``per_head`` the heads follow N. None if nothing was asked for.
            context (TowerContext): This pass.
        """
        return tokens

    def after_layers(self, tokens: Tensor, context: TowerContext) -> Tensor:
        """Tokens (N, tokens, C) of the last layer, before final norm and projection."""
        return tokens
