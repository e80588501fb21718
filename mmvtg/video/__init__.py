"""Frames of video files: which ones, decoded here or in another process.

The process that decodes imports these modules and nothing else of mmvtg, so they know
numpy, Pillow and decord only: no torch, no mmengine.
"""
