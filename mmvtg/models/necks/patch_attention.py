r"""Spatial pooling of R2-Tuning without its cost (eq. 2, 4 and 5).

Written out, every patch token x of a frame goes through

    y = dropout(LN_in([x, tef])),  r = ReLU(W_1 y + b_1),  u = dropout(LN_out(r)),
    e = W_2 u + b_2,               v = W_v e + b_v,

and every word q asks the patches of a frame, a = softmax_P(q . v / sqrt(C)), for the
pooled vector sum_p a_p e_p. Three things follow, all exact:

* q . v = (W_2^T W_v^T q) . u + const, and the constant leaves the softmax untouched.
  So the word carries ``key = W_2^T W_v^T q / sqrt(C)`` and is compared with u itself;
  W_v is applied to L words a sample instead of T P patches.
* sum_p a_p e_p = W_2 (sum_p a_p u_p) + b_2, because weights sum to one. So W_2 is
  applied to L pooled vectors and the class token a frame instead of P patches.
* x needs no gradient. With z the input of the ReLU, m the 0/1 mask of the dropout,
  n = [x, tef] normalised, and (g, c) gain and bias of LN_in divided by the keep rate,
  y = m (g n + c), everything that the first layer needs to learn is in two products,
  A = sum dz (m n)^T and M = sum dz m^T:
  dW_1 = A g + M c,  dg = sum_rows W_1 A,  dc = sum_rows W_1 M.

What is left per patch is one linear layer. It runs over a few frames at a time; only r,
the two dropout masks (a byte an entry) and the attention are kept for the backward
pass, where n and u are made again from x and r by elementwise work alone.
"""

from typing import Optional, Tuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mmvtg.models.layers import TokenMLP, draw_kept

from .patch_chunks import Gather, Kept, chunks


def attend_patches(
    tokens: Tensor, extra: Optional[Tensor], keys: Tensor, mlp: TokenMLP
) -> Tuple[Tensor, Tensor]:
    """Attend from words to the patches of each frame, before the MLP's last linear.

    Args:
        tokens (Tensor): (B, T, P, D) of any float type, class token first. They get no
            gradient.
        extra (Tensor, optional): (B, T, E), more channels that all tokens of a frame
            share (E = 2: the temporal endpoints).
        keys (Tensor): (B, L, C), what words compare with hidden vectors; its type is
            the type of the matrix products.
        mlp (TokenMLP): Its ``linear_out`` is left to the caller, who applies it to both
            results.

    Returns:
        tuple[Tensor, Tensor]: Hidden vectors as words pool them (B, T, L, C), and those
        of the class tokens (B, T, C).

    Raises:
        ValueError: If the tokens need a gradient.
    """
    if tokens.requires_grad:
        raise ValueError(
            'attend_patches gives no gradient to its tokens: freeze the vision tower'
        )
    threshold = round(mlp.dropout.p * 65536) if mlp.training else 0
    keep = 1 - threshold / 65536
    with torch.autocast(tokens.device.type, enabled=False):
        # what survives dropout grows by 1 / keep: once, in the affine before it
        return _PatchAttention.apply(
            tokens,
            extra,
            keys,
            mlp.norm_in.weight / keep,
            mlp.norm_in.bias / keep,
            mlp.linear_in.weight,
            mlp.linear_in.bias,
            mlp.norm_out.weight / keep,
            mlp.norm_out.bias / keep,
            threshold,
            mlp.norm_in.eps,
            torch.is_grad_enabled(),
        )


class _PatchAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx,
        tokens,
        extra,
        keys,
        gain,
        bias,
        weight,
        offset,
        gain2,
        bias2,
        threshold,
        eps,
        needs_grad,
    ):
        batch, clips, patches, _ = tokens.shape
        words, channels = keys.shape[1:]
        linear, offset = weight.to(keys.dtype).t(), offset.to(keys.dtype)
        pooled = keys.new_empty(batch, clips, words, channels)
        cls = keys.new_empty(batch, clips, channels)
        kept = Kept(tokens, keys, gain.numel(), threshold, needs_grad)
        gather = Gather(tokens, extra, gain.dtype)
        for chunk in chunks(tokens):
            inputs = gather(chunk)
            hidden, attention, mask, mask2 = kept.buffers(chunk)
            if threshold:
                draw_kept(mask, threshold)
                draw_kept(mask2, threshold)
            y = torch.layer_norm(inputs, inputs.shape[-1:], gain, bias, eps)
            y = _drop(y, mask).to(keys.dtype)
            torch.addmm(
                offset, y.flatten(0, -2), linear, out=hidden.flatten(0, -2)
            ).relu_()
            u = _hidden_out(hidden, mask2, gain2, bias2, eps)
            attention.copy_(_attention(u, keys[chunk[0]]))
            pooled[chunk] = torch.matmul(attention.transpose(-1, -2), u)
            cls[chunk] = u[:, :, 0]
        ctx.save_for_backward(
            tokens, extra, keys, gain, bias, weight, gain2, bias2, *kept.tensors
        )
        ctx.eps = eps
        return pooled, cls

    @staticmethod
    @once_differentiable
    def backward(ctx, d_pooled, d_cls):
        tokens, extra, keys, gain, bias, weight, gain2, bias2, *kept = ctx.saved_tensors
        d_keys = torch.zeros_like(keys)
        d_gain2, d_bias2 = torch.zeros_like(gain2), torch.zeros_like(bias2)
        first = _FirstLayerGrads(gain, bias, weight)
        gather = Gather(tokens, extra, gain.dtype)
        for chunk in chunks(tokens):
            hidden, attention, mask, mask2 = (
                None if saved is None else saved[chunk] for saved in kept
            )
            u = _hidden_out(hidden, mask2, gain2, bias2, ctx.eps)
            d_u, d_key = _attention_backward(
                d_pooled[chunk], attention, u, keys[chunk[0]]
            )
            d_keys[chunk[0]] += d_key
            d_u[:, :, 0] += d_cls[chunk]
            d_u = _drop(d_u.to(gain2.dtype), mask2)
            d_hidden, d_g, d_b = _layer_norm_backward(
                d_u, hidden, gain2, bias2, ctx.eps
            )
            d_gain2 += d_g
            d_bias2 += d_b
            d_z = torch.ops.aten.threshold_backward(d_hidden, hidden, 0)
            inputs = gather(chunk)
            normed = torch.layer_norm(inputs, inputs.shape[-1:], None, None, ctx.eps)
            first.add(d_z.to(keys.dtype), normed, mask)
        grads = first.finish()
        return None, None, d_keys, *grads, d_gain2, d_bias2, None, None, None


class _FirstLayerGrads:
    """Sums A = dz (m n)^T and M = dz m^T over chunks; gradients of LN_in and W_1."""

    def __init__(self, gain: Tensor, bias: Tensor, weight: Tensor) -> None:
        self.gain, self.bias, self.weight = gain, bias, weight
        self.by_normed = torch.zeros_like(weight)
        self.by_mask = torch.zeros_like(weight)
        self.d_offset = weight.new_zeros(weight.size(0))

    def add(self, d_z: Tensor, normed: Tensor, mask: Optional[Tensor]) -> None:
        d_z = d_z.flatten(0, -2)
        d_offset = d_z.sum(0, dtype=self.weight.dtype)
        self.d_offset += d_offset
        if mask is None:
            self.by_mask += d_offset[:, None]
        else:
            kept = mask.view(torch.uint8).to(normed.dtype)
            normed = normed.mul_(kept)
            self.by_mask += d_z.t() @ kept.to(d_z.dtype).flatten(0, -2)
        self.by_normed += d_z.t() @ normed.to(d_z.dtype).flatten(0, -2)

    def finish(self) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        d_gain = (self.weight * self.by_normed).sum(0)
        d_bias = (self.weight * self.by_mask).sum(0)
        d_weight = self.by_normed * self.gain + self.by_mask * self.bias
        return d_gain, d_bias, d_weight, self.d_offset


def _drop(x: Tensor, mask: Optional[Tensor]) -> Tensor:
    """Zero, in place, what the mask does not keep."""
    return x if mask is None else x.mul_(mask.view(torch.uint8).to(x.dtype))


def _hidden_out(
    hidden: Tensor, mask: Optional[Tensor], gain: Tensor, bias: Tensor, eps: float
) -> Tensor:
    """u = dropout(LN_out(r)), in the type of r."""
    u = torch.layer_norm(hidden.to(gain.dtype), gain.shape, gain, bias, eps)
    return _drop(u, mask).to(hidden.dtype)


def _attention(u: Tensor, keys: Tensor) -> Tensor:
    """Softmax over patches (b, t, P, L) of u (b, t, P, C) and keys (b, L, C)."""
    logits = torch.matmul(u.flatten(1, 2), keys.transpose(1, 2))
    logits = logits.unflatten(1, u.shape[1:3])
    return logits.softmax(2, dtype=torch.promote_types(logits.dtype, torch.float32)).to(
        u.dtype
    )


def _attention_backward(
    d_pooled: Tensor, attention: Tensor, u: Tensor, keys: Tensor
) -> Tuple[Tensor, Tensor]:
    """Gradients of u (b, t, P, C) and keys (b, L, C)."""
    d_attention = torch.matmul(u, d_pooled.transpose(-1, -2)) * attention
    d_logits = d_attention - attention * d_attention.sum(2, keepdim=True)
    d_u = torch.matmul(attention, d_pooled)
    flat = d_logits.flatten(1, 2)
    d_u += torch.matmul(flat, keys).view_as(d_u)
    return d_u, torch.matmul(flat.transpose(1, 2), u.flatten(1, 2))


def _layer_norm_backward(
    grad: Tensor, x: Tensor, gain: Tensor, bias: Tensor, eps: float
) -> Tuple[Tensor, Tensor, Tensor]:
    x = x.to(gain.dtype)
    _, mean, rstd = torch.native_layer_norm(x, gain.shape, gain, bias, eps)
    return torch.ops.aten.native_layer_norm_backward(
        grad, x, gain.shape, mean, rstd, gain, bias, [True, True, True]
    )
