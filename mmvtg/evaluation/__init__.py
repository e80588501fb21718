"""Metrics and the maths behind them."""

from . import metrics

__all__ = ['metrics']
