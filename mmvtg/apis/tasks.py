"""Tasks of models, and the inferencer for each task."""

from mmengine.config import Config, ConfigDict

from mmvtg.registry import MODELS, resolve

#: Task: base class of its models -> (what they do, their inferencer).
TASKS: dict[str, tuple[str, str]] = {
    'VideoGrounder': ('finds moments of sentences', 'VTGInferencer'),
    'TemporalActionDetector': ('detects actions', 'ActionDetectionInferencer'),
    'ActionRecognizer': ('recognizes actions', 'ActionRecognitionInferencer'),
    'VideoTextRetriever': ('retrieves videos', 'VideoRetrievalInferencer'),
}


def task_of(kind: type | None) -> str | None:
    """Return the task of a model class, None if unknown."""
    bases = [base.__name__ for base in kind.__mro__] if kind else []
    return next((base for base in bases if base in TASKS), None)


def inferencer_for(cfg: Config | ConfigDict) -> str | None:
    """Return the name of the inferencer for the model of a config, None if unknown."""
    task = task_of(resolve(cfg['model']['type'], MODELS))
    return task and TASKS[task][1]
