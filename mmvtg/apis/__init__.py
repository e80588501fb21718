"""What users call from Python."""

from .grounding_inferencer import GroundingInferencer

__all__ = ['GroundingInferencer']
