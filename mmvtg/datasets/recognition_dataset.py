"""Trimmed videos and what they show: the data set of action recognition."""

from typing import Any, Dict, List, Optional

from mmengine.logging import MMLogger

from mmvtg.registry import DATASETS

from .action_lists import read_action_list, read_classes
from .class_lists import ClassSource, under_root
from .drawn_dataset import DrawnDataset, file_fields, first_lines
from .errors import AnnotationError
from .few_shot import draw_trial


@DATASETS.register_module()
class RecognitionDataset(DrawnDataset):
    """Videos of one list, or the stretches of videos that it names.

    Each item of the pipeline starts from ``video_id`` (unique), ``label`` (int),
    ``class_name``, ``window`` ((start, end) s or None), ``draw``, ``fps`` and, for the
    prefixes that are given, ``feature_path`` and ``video_path``. The class names, as a
    text tower shall read them, are ``metainfo['classes']``.

    File name patterns may name ``{path}`` (as listed), ``{stem}``, ``{name}``,
    ``{folder}`` and ``{folder_}`` (:func:`file_fields`).

    Args:
        ann_file (str): See :func:`read_action_list`.
        layout (str): ``labelled``, ``folder`` or ``segments``.
        classes (str | Sequence[str], optional): See :func:`read_classes`. Without it,
            those that the list names, sorted.
        keep (str | Sequence[str], optional): Use only these classes; labels count
            them. For zero-shot splits, and the classes of few-shot protocols.
        few_shot (dict, optional): ``shots``, ``ways``, ``trial``, ``seed`` of
            :func:`draw_trial` and ``part``, 'train' or 'test'. Where ``ways`` is given
            the classes are those of the trial.
        allow_empty_classes (bool): Accept classes that have no video.
        **kwargs: Of :class:`DrawnDataset`.
    """

    METAINFO = {'task': 'recognition'}
    FILE_NAMES = {'feature': '{stem}.npy', 'video': '{path}'}

    def __init__(
        self,
        ann_file: str,
        layout: str = 'labelled',
        classes: Optional[ClassSource] = None,
        keep: Optional[ClassSource] = None,
        few_shot: Optional[Dict[str, Any]] = None,
        allow_empty_classes: bool = False,
        **kwargs: Any,
    ) -> None:
        if few_shot is not None and few_shot.get('part') not in ('train', 'test'):
            raise ValueError(
                f"few_shot.part is {few_shot.get('part')!r}, want 'train' or 'test'"
            )
        self.layout = layout
        root = kwargs.get('data_root') or ''
        self.classes = classes and under_root(root, classes)
        self.keep = keep and under_root(root, keep)
        self.few_shot = few_shot
        self.allow_empty_classes = allow_empty_classes
        super().__init__(ann_file=ann_file, **kwargs)

    def load_data_list(self) -> List[dict]:
        """Read the list, keep the wanted classes, and number them."""
        items = read_action_list(self.ann_file, self.layout)
        classes = self._read_classes(items)
        for item in items:
            item['class_name'] = self._class_of(item, classes)
        names = list(classes.values())
        if self.keep is not None:
            kept = [classes.get(name, name) for name in read_classes(self.keep)]
            self._check_kept(kept, names)
            names = kept
        items = [item for item in items if item['class_name'] in set(names)]
        items, names = self._trial(items, names)
        self._check_empty(items, names)
        self._metainfo['classes'] = tuple(names)
        number = {name: label for label, name in enumerate(names)}
        MMLogger.get_current_instance().info(
            f'{self.ann_file}: {len(items)} videos of {len(names)} classes'
        )
        return [self._sample(item, number) for item in items]

    def _read_classes(self, items: List[dict]) -> Dict[str, str]:
        if self.classes is not None:
            return read_classes(self.classes)
        if self.layout == 'labelled':
            raise ValueError(
                f'{self.ann_file} has numbers for classes: name them with `classes`'
            )
        return read_classes(sorted({item['label'] for item in items}))

    def _class_of(self, item: dict, classes: Dict[str, str]) -> str:
        label = item['label']
        if isinstance(label, int) and label < len(classes):
            return list(classes.values())[label]
        if label in classes:
            return classes[label]
        raise AnnotationError(
            f'{item["where"]}: class {label!r} is none of the {len(classes)} classes '
            f'({first_lines(list(classes))}); correct the line or `classes`'
        )

    def _check_kept(self, kept: List[str], names: List[str]) -> None:
        unknown = sorted(set(kept) - set(names))
        if unknown and not self.allow_empty_classes:
            raise AnnotationError(
                f'{self.ann_file}: `keep` names {first_lines(unknown)}, which is no '
                'class of the data set'
            )

    def _trial(self, items: List[dict], names: List[str]):
        if self.few_shot is None:
            return items, names
        options = dict(self.few_shot)
        part = options.pop('part')
        labels = [names.index(item['class_name']) for item in items]
        chosen, learn, rest = draw_trial(labels, class_names=names, **options)
        if options.get('ways') is not None:
            names = [names[label] for label in chosen]
        return [items[i] for i in (learn if part == 'train' else rest)], names

    def _check_empty(self, items: List[dict], names: List[str]) -> None:
        empty = sorted(set(names) - {item['class_name'] for item in items})
        if empty and not self.allow_empty_classes:
            raise AnnotationError(
                f'{self.ann_file}: no video of {first_lines(empty)}; leave such '
                'classes out with `keep`, or set allow_empty_classes'
            )

    def _sample(self, item: dict, number: Dict[str, int]) -> dict:
        video_id, window = item['path'], item['window']
        if window is not None:
            video_id = f'{video_id} {window[0]:g}-{window[1]:g}'
        sample = dict(
            video_id=video_id,
            label=number[item['class_name']],
            class_name=item['class_name'],
            window=window,
        )
        return self.locate(sample, file_fields(item['path']))
