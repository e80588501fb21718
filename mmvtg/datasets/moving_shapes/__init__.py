"""MovingShapes: a procedural video world for every task of the toolbox."""

from .frames import FrameActor, FrameAttributes, MovingShapesFrames
from .generate import generate, scene_of
from .language import Clause, describe, say, true_moments
from .motion import Action, Actor, State, actor_poses
from .render import render_frames
from .sampling import sample_scene
from .scene import Background, Scene, frame_times, reverse_scene

__all__ = [
    'Action',
    'Actor',
    'Background',
    'Clause',
    'FrameActor',
    'FrameAttributes',
    'MovingShapesFrames',
    'Scene',
    'State',
    'actor_poses',
    'describe',
    'frame_times',
    'generate',
    'render_frames',
    'reverse_scene',
    'sample_scene',
    'say',
    'scene_of',
    'true_moments',
]
