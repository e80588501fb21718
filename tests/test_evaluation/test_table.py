"""Results as tables, character by character."""

from mmvtg.evaluation.functional.table import format_groups, format_results

MOMENTS = {
    'MR-R1': {'0.3': 70.0, '0.5': 60.0, '0.7': 41.25},
    'MR-mAP': {'average': 30.5, '0.5': 50.0, '0.75': 25.0},
    'MR-mIoU': 45.0,
}
LEVELS = {
    'HL-min-Good': {'HL-mAP': 60.0, 'HL-Hit1': 80.0},
    'HL-min-VeryGood': {'HL-mAP': 40.0, 'HL-Hit1': 65.0},
}


def lines(text):
    return [line.split() for line in text.splitlines()]


def test_moments_and_highlights_are_tables_of_their_own():
    results = {'full': MOMENTS, 'long': {'MR-mIoU': 12.0}, **LEVELS}
    assert lines(format_results(results)) == [
        ['moments', 'R1@0.3', 'R1@0.5', 'R1@0.7', 'mAP', 'mAP@0.5', 'mAP@0.75', 'mIoU'],
        ['full', '70.00', '60.00', '41.25', '30.50', '50.00', '25.00', '45.00'],
        ['long', '-', '-', '-', '-', '-', '-', '12.00'],
        [],
        ['highlights', 'mAP', 'Hit1'],
        ['Good', '60.00', '80.00'],
        ['VeryGood', '40.00', '65.00'],
    ]
    assert lines(format_results(LEVELS))[0] == ['highlights', 'mAP', 'Hit1']


def test_domains_follow_other_tables():
    results = dict(
        LEVELS,
        brief={'mAP': 45.5},
        domains={'BK': {'mAP': 41.0}, 'VU': {'mAP': 50.0}},
    )
    assert lines(format_results(results))[3:] == [
        ['domain', 'mAP'],
        ['BK', '41.00'],
        ['VU', '50.00'],
        ['mean', '45.50'],
    ]


def test_detection_and_proposals():
    results = {'mAP': {'0.5': 0.25, '0.7': 0.125}, 'average_mAP': 0.1875}
    results.update({'AR@1': 0.5, 'AR@100': 0.75, 'AUC': 61.5})
    assert lines(format_results(results)) == [
        ['detection', '0.5', '0.7', 'mean'],
        ['mAP', '25.00', '12.50', '18.75'],
        ['proposals', 'AR@1', 'AR@100', 'AUC'],
        ['%', '50.00', '75.00', '61.50'],
    ]
    assert format_results({}) == ''


def test_columns_are_aligned():
    text = format_results({'full': {'MR-mIoU': 45.0}, 'short': {'MR-mIoU': 5.0}})
    assert text == 'moments    mIoU\nfull      45.00\nshort      5.00'


def test_groups_have_the_strictest_level():
    results = {
        'all': dict(queries=3, full=MOMENTS, **LEVELS),
        'fast': dict(queries=0),
    }
    found = format_groups(results).splitlines()
    assert found[0].split('  ')[-2:] == ['HL mAP', 'HL Hit1']
    assert found[1].split()[:2] == ['all', '3']
    assert found[1].split()[-2:] == ['40.00', '65.00']
    assert found[2].split() == ['fast', '0', *['-'] * 9]
