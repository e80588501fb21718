"""Public API: inferencers and the model zoo."""

from .action_detection_inferencer import ActionDetectionInferencer
from .action_recognition_inferencer import ActionRecognitionInferencer
from .metafiles import get_model, list_models
from .model_loading import find_model
from .model_zoo import download
from .summaries import summarise
from .video_retrieval_inferencer import VideoRetrievalInferencer
from .vtg_inferencer import VTGInferencer

__all__ = [
    'ActionDetectionInferencer',
    'ActionRecognitionInferencer',
    'VTGInferencer',
    'VideoRetrievalInferencer',
    'download',
    'find_model',
    'get_model',
    'list_models',
    'summarise',
]
