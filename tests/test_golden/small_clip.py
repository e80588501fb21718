"""The small CLIP of recordings that were made with towers of their own."""

import json
from pathlib import Path

import open_clip


def add_small_clip(folder: Path, name: str, config: dict) -> None:
    """Tell open_clip of a model by the sizes that a recording's json names."""
    clip = dict(
        embed_dim=config['dim'],
        quick_gelu=config['act'] == 'quick_gelu',
        vision_cfg=dict(
            image_size=config['patch'] * config['grid'],
            patch_size=config['patch'],
            layers=config['v_layers'],
            width=config['v_width'],
            head_width=config['v_width'] // config['v_heads'],
        ),
        text_cfg=dict(
            context_length=config['context'],
            vocab_size=config['vocab'],
            width=config['t_width'],
            heads=config['t_heads'],
            layers=config['t_layers'],
        ),
    )
    (folder / f'{name}.json').write_text(json.dumps(clip))
    open_clip.add_model_config(folder)
