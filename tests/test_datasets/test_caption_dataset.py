"""Videos and their texts in the layouts of the retrieval benchmarks."""

import json

import pytest

from mmvtg.datasets import AnnotationError, CaptionDataset
from mmvtg.datasets.caption_lists import read_captions, read_video_list

CONTENT = dict(
    jsonl='{"vid": "v0", "caption": "a dog"}\n{"vid": "v1", "caption": "a, cat"}\n',
    csv='key,video_id,sentence\nret0,v0,a dog\nret1,v1,"a, cat"\n',
    lsmdc='v0\t00.1\t00.2\t00.1\t00.2\ta dog\nv1\t0\t1\t0\t1\ta, cat\n',
    msrvtt=json.dumps(
        dict(
            videos=[dict(video_id='v0'), dict(video_id='v1')],
            sentences=[
                dict(video_id='v0', caption='a dog', sen_id=0),
                dict(video_id='v1', caption='a, cat', sen_id=1),
            ],
        )
    ),
    didemo=json.dumps(
        [
            dict(video='v0', description='a dog', times=[[0, 1]]),
            dict(video='v1', description='a, cat', times=[[0, 1]]),
        ]
    ),
)


@pytest.mark.parametrize('layout', CONTENT)
def test_all_layouts_say_the_same(tmp_path, layout):
    path = tmp_path / 'captions'
    path.write_text(CONTENT[layout])
    pairs = [(p['path'], p['caption']) for p in read_captions(str(path), layout)]
    assert pairs == [('v0', 'a dog'), ('v1', 'a, cat')]


@pytest.mark.parametrize(
    'layout, text, message',
    [
        ('jsonl', '{"vid": "v0"}', 'captions:1.*both are needed'),
        ('csv', 'a,b\n1,2\n', "no column 'video_id'"),
        ('lsmdc', 'v0 a dog\n', 'captions:1.*both are needed'),
        ('msrvtt', '{"videos": []}', 'no list of "sentences"'),
        ('didemo', '[{"video": "v0"}]', 'item 0.*both are needed'),
        ('didemo', '[{', 'not valid JSON'),
        ('jsonl', '', 'has no caption'),
    ],
)
def test_bad_files_are_named(tmp_path, layout, text, message):
    path = tmp_path / 'captions'
    path.write_text(text)
    with pytest.raises(AnnotationError, match=message):
        read_captions(str(path), layout)


def test_lists_and_paragraphs(tmp_path):
    lines = [dict(vid='v0', caption='one'), dict(vid='v1', caption='two')]
    lines.append(dict(vid='v0', caption='three'))
    text = '\n'.join(map(json.dumps, lines))
    (tmp_path / 'a.jsonl').write_text(text)
    (tmp_path / 'train.csv').write_text('video_id\nv0\n')
    assert read_video_list(str(tmp_path / 'train.csv')) == ['v0']

    def queries(**kwargs):
        dataset = CaptionDataset(
            'a.jsonl', data_root=str(tmp_path), pipeline=[], **kwargs
        )
        return [dataset.get_data_info(i)['query'] for i in range(len(dataset))]

    assert queries(video_list=str(tmp_path / 'train.csv')) == ['one', 'three']
    assert queries(join=True) == ['one three', 'two']
    (tmp_path / 'train.csv').write_text('v0\nv7\n')
    with pytest.raises(AnnotationError, match="without a caption.*'v7'"):
        queries(video_list=str(tmp_path / 'train.csv'))
