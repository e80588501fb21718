"""From a video and a query to moments and saliency: the assembled model."""

from typing import Dict, List, Optional, Tuple, Union

from mmengine.model import BaseModel
from torch import Tensor

from mmvtg.registry import MODELS
from mmvtg.structures import (
    FusedFeatures,
    GroundingDataSample,
    QueryFeatures,
    VideoFeatures,
)

ConfigType = dict


@MODELS.register_module()
class VideoGrounder(BaseModel):
    """Towers, a neck that lets video and query meet, a pyramid, and a head.

    Args:
        vision_tower (dict): ``(video, video_mask) -> VideoFeatures``: a CLIP tower on
            frames, or stored features.
        text_tower (dict): ``(query, query_mask) -> QueryFeatures``.
        neck (dict): ``(VideoFeatures, QueryFeatures) -> FusedFeatures``. One that
            reads ``VideoFeatures.owners`` itself says ``shares_videos = True``; others
            get a row a sample.
        head (dict): Has ``loss(fused, samples)`` and ``predict(fused, samples)``.
        pyramid (dict, optional): ``FusedFeatures -> FusedFeatures`` with levels.
        injection (dict, optional): Losses on the towers while training; inference
            neither runs nor needs it.
        data_preprocessor (dict, optional): Default pads and moves to the device.
        init_cfg (dict, optional): Of mmengine.
    """

    def __init__(
        self,
        vision_tower: ConfigType,
        text_tower: ConfigType,
        neck: ConfigType,
        head: ConfigType,
        pyramid: Optional[ConfigType] = None,
        injection: Optional[ConfigType] = None,
        data_preprocessor: Optional[ConfigType] = None,
        init_cfg: Optional[ConfigType] = None,
    ) -> None:
        if data_preprocessor is None:
            data_preprocessor = dict(type='GroundingDataPreprocessor')
        if isinstance(data_preprocessor, dict):
            data_preprocessor = MODELS.build(data_preprocessor)
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.vision_tower = MODELS.build(vision_tower)
        self.text_tower = MODELS.build(text_tower)
        self.neck = MODELS.build(neck)
        self.pyramid = MODELS.build(pyramid) if pyramid is not None else None
        self.head = MODELS.build(head)
        self.injection = None if injection is None else MODELS.build(injection)

    def fuse(self, inputs: Dict[str, Tensor]) -> FusedFeatures:
        """Encode video and query and let them meet.

        Args:
            inputs (dict): ``video`` (V, T, ...), ``video_mask`` (V, T), ``query``
                (B, L, ...), ``query_mask`` (B, L), as the preprocessor makes them;
                with fewer videos than queries also ``video_owners`` (B,), and
                ``motion`` (V, T, C) where the pipeline packs it.
        """
        return self.meet(*self.encode(inputs))

    def encode(self, inputs: Dict[str, Tensor]) -> Tuple[VideoFeatures, QueryFeatures]:
        """What both towers say; ``inputs`` as in :meth:`fuse`."""
        video = self.vision_tower(inputs['video'], inputs['video_mask'])
        video.owners = inputs.get('video_owners')
        video.motion = inputs.get('motion')
        return video, self.text_tower(inputs['query'], inputs['query_mask'])

    def meet(self, video: VideoFeatures, query: QueryFeatures) -> FusedFeatures:
        """Neck and pyramid over what the towers say."""
        if not getattr(self.neck, 'shares_videos', False):
            video = video.spread()
        fused = self.neck(video, query)
        return fused if self.pyramid is None else self.pyramid(fused)

    def loss(
        self, inputs: Dict[str, Tensor], data_samples: List[GroundingDataSample]
    ) -> Dict[str, Tensor]:
        """Losses by name; their sum is what training minimises."""
        video, query = self.encode(inputs)
        losses = self.head.loss(self.meet(video, query), data_samples)
        if self.injection is not None:
            towers = (self.vision_tower, self.text_tower)
            losses.update(self.injection.loss(video, query, data_samples, *towers))
        return losses

    def predict(
        self, inputs: Dict[str, Tensor], data_samples: List[GroundingDataSample]
    ) -> List[GroundingDataSample]:
        """The samples with ``pred_moments`` and ``pred_saliency``."""
        return self.head.predict(self.fuse(inputs), data_samples)

    def forward(
        self,
        inputs: Dict[str, Tensor],
        data_samples: Optional[List[GroundingDataSample]] = None,
        mode: str = 'tensor',
    ) -> Union[Dict[str, Tensor], List[GroundingDataSample], FusedFeatures]:
        """mmengine's entry: ``mode`` is ``'loss'``, ``'predict'`` or ``'tensor'``."""
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode == 'tensor':
            return self.fuse(inputs)
        raise ValueError(f"mode={mode!r} is none of 'tensor', 'loss', 'predict'")
