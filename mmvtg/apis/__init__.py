"""What users call from Python."""

from .metafiles import get_model, list_models
from .model_loading import find_model
from .model_zoo import download
from .summary import summarise
from .vtg_inferencer import VTGInferencer

__all__ = [
    'VTGInferencer',
    'download',
    'find_model',
    'get_model',
    'list_models',
    'summarise',
]
