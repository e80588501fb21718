"""Stored features of videos of any length, without queries."""

from mmengine.model import BaseDataPreprocessor

from mmvtg.registry import MODELS

from .grounding import pad_sequences


@MODELS.register_module()
class SnippetPreprocessor(BaseDataPreprocessor):
    """Pads features and moves them to the device.

    ``dict(inputs=dict(video=[(T_i, C)]), data_samples=[...])`` becomes
    ``dict(inputs=dict(video (B, T, C), video_mask (B, T)), data_samples=[...])``.
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        video, mask = pad_sequences(list(data['inputs']['video']))
        inputs = dict(video=video, video_mask=mask)
        return self.cast_data(dict(inputs=inputs, data_samples=data['data_samples']))
