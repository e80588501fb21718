"""Names of classes: those of the user, or else of the config."""

import os.path as osp
from collections.abc import Sequence

from mmengine.config import ConfigDict

from mmvtg.datasets.action_lists import read_classes
from mmvtg.datasets.class_lists import readable_name, under_root
from mmvtg.datasets.detection_annotations import all_class_names
from mmvtg.datasets.detection_dataset import ActionDetectionDataset
from mmvtg.registry import DATASETS, is_kind

from .inputs import check_classes
from .model_loading import test_dataset

Classes = None | str | Sequence[str]


def choose_classes(classes: Classes, cfg: ConfigDict) -> list[str]:
    """Return the classes of a call.

    Args:
        classes (str | list[str], optional): Names, any words; default is the classes of
            the config.
        cfg (ConfigDict): Config of the model.

    Raises:
        TypeError: If ``classes`` has other values than text.
        ValueError: If ``classes`` is None, and the config does not name its classes;
            see also :func:`check_classes`.
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


def config_classes(cfg: ConfigDict) -> list[str] | None:
    """Return the classes of the test set, as words, in the order of its labels.

    Returns:
        list[str] | None: Names; None if the config does not name its classes, or only
        some of them (episodes of few classes, lists with numbers).

    Raises:
        FileNotFoundError: If the file with the names does not exist.
    """
    dataset = test_dataset(cfg)
    few_shot = dataset.get('few_shot') or {}
    if few_shot.get('ways') is not None:
        return None
    root = dataset.get('data_root') or ''
    detection = is_kind(dataset, ActionDetectionDataset, DATASETS)
    if detection and not dataset.get('classes'):
        names = all_class_names(osp.join(root, dataset['ann_file']))
        return [readable_name(name) for name in names]
    if not dataset.get('classes'):
        return None
    classes = read_classes(under_root(root, dataset['classes']))
    if dataset.get('keep') is None:
        return list(classes.values())
    kept = read_classes(under_root(root, dataset['keep']))
    return [classes.get(name, name) for name in kept]
