"""Which classes are asked for: those that the user names, else the config's."""

import os.path as osp
from typing import List, Optional, Sequence, Union

from mmengine.config import ConfigDict

from mmvtg.datasets.action_lists import read_classes
from mmvtg.datasets.class_lists import readable_name, under_root
from mmvtg.datasets.detection_annotations import all_class_names

from .inputs import check_classes
from .model_loading import test_dataset


def choose_classes(
    classes: Union[None, str, Sequence[str]], cfg: ConfigDict
) -> List[str]:
    """The classes of a call.

    Args:
        classes (str | list[str], optional): Names, any words; default is the config's.
        cfg (ConfigDict): The config.

    Raises:
        TypeError: Something else than text.
        ValueError: See :func:`check_classes`; or none are given, and the config's are
            not to be had.
    """
    if classes is not None:
        return check_classes(classes)
    why = 'its test set does not name them'
    try:
        names = config_classes(cfg)
    except FileNotFoundError as error:
        names, why = None, str(error)
    if names is None:
        raise ValueError(
            f'say classes, the names to look for; those of the config cannot be had: '
            f'{why}'
        )
    return names


def config_classes(cfg: ConfigDict) -> Optional[List[str]]:
    """Names of the classes of the test set, as words, in the order of its labels.

    Returns:
        list[str]: None if the config does not name them, or not alone (episodes of few
        classes, lists with numbers).

    Raises:
        FileNotFoundError: They stand in a file that is not there.
    """
    dataset = test_dataset(cfg)
    few_shot = dataset.get('few_shot') or {}
    if few_shot.get('ways') is not None:
        return None
    root = dataset.get('data_root') or ''
    if dataset.get('type') == 'ActionDetectionDataset' and not dataset.get('classes'):
        names = all_class_names(osp.join(root, dataset['ann_file']))
        return [readable_name(name) for name in names]
    if not dataset.get('classes'):
        return None
    classes = read_classes(under_root(root, dataset['classes']))
    if dataset.get('keep') is None:
        return list(classes.values())
    kept = read_classes(under_root(root, dataset['keep']))
    return [classes.get(name, name) for name in kept]
