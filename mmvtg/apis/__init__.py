"""What users call from Python."""

from .model_loading import find_model, list_models
from .vtg_inferencer import VTGInferencer

__all__ = ['VTGInferencer', 'find_model', 'list_models']
