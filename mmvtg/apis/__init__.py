"""What users call from Python."""

from .model_index import list_models
from .vtg_inferencer import VTGInferencer

__all__ = ['VTGInferencer', 'list_models']
