import numpy as np
import pytest
from matplotlib.patches import PathPatch

from bioseq_dl.report.figures_of_motifs import MOST_MOTIFS, _draw_pair, draw_motifs
from bioseq_dl.report.style import drawing

WORD = np.eye(4)[[0, 2, 0, 3, 0, 0, 2]]


def _match(pwm, offset, strand="+", called=True, q=1e-6):
    return {
        "id": "MA0035.4",
        "name": "Gata1",
        "family": "GATA-type",
        "p": q / 10,
        "q": q,
        "offset": offset,
        "overlap": 7,
        "strand": strand,
        "called": called,
        "pwm": pwm.tolist(),
    }


def _motif(kind="seqlets", number=1, matches=()):
    return {
        "name": f"{'filter' if kind == 'filter' else 'positive'}_{number}",
        "kind": kind,
        "consensus": "AGATAAG",
        "information": 14.0,
        "sites": 160,
        "pwm": WORD.tolist(),
        "contributions": None,
        "matches": list(matches),
    }


def _findings(motifs):
    return {
        "motifs": motifs,
        "silent_filters": 3,
        "vague_filters": 4,
        "database": "JASPAR2024 CORE vertebrates",
        "notes": [],
        "q_value": 0.05,
    }


def _letters_at(axes):
    """Give {colour: centres} of the letters drawn."""
    found = {}
    for patch in axes.patches:
        if isinstance(patch, PathPatch):
            vertices = patch.get_path().vertices
            found[patch.get_facecolor()] = sorted(set(np.round(vertices[:, 0]).astype(int)))
    return found


@pytest.mark.parametrize("strand", ["+", "-"])
@pytest.mark.parametrize("offset", [0, 2, -3])
def test_columns_that_belong_together_stand_below_each_other(strand, offset):
    # The known motif as it lies beside ours: our column i is its column i + offset.
    if offset >= 0:
        oriented = np.concatenate([np.full((offset, 4), 0.25), WORD, np.full((1, 4), 0.25)])
    else:
        oriented = WORD[-offset:]
    known = oriented if strand == "+" else oriented[::-1, ::-1]
    with drawing(3, 2) as figure:
        _draw_pair(figure, _motif(matches=[_match(known, offset, strand)]))
    ours, theirs = figure.axes
    upper, lower = _letters_at(ours), _letters_at(theirs)
    if offset >= 0:
        assert lower == upper
    else:
        for colour, places in lower.items():
            assert set(places) <= set(upper[colour])
    assert ours.get_xlim() == theirs.get_xlim()


def test_seqlets_and_filters_get_a_figure_each_filters_only_with_a_match():
    motifs = [_motif(matches=[_match(WORD, 0)])]
    motifs += [_motif("filter", 1, [_match(WORD, 0)])]
    motifs += [_motif("filter", 2, [_match(WORD, 0, called=False, q=0.5)])]
    seqlets, filters = draw_motifs("demo", _findings(motifs))
    assert (seqlets.key, filters.key) == ("motifs_seqlets", "motifs_filter")
    assert "Gata1 · MA0035.4 · q 1e-6" in seqlets.svg
    assert "160 sites" in seqlets.svg
    assert list(filters.numbers["name"]) == ["filter_1"]
    assert "3 filters never activate, 4 have few sites" in filters.caption


def test_a_motif_without_a_match_says_so():
    (one,) = draw_motifs("demo", _findings([_motif(matches=[_match(WORD, 0, "+", False, 0.4)])]))
    assert "no match; nearest Gata1" in one.svg
    (two,) = draw_motifs("demo", _findings([_motif()]))
    assert "no known motif" in two.svg


def test_many_motifs_are_cut_in_the_picture_not_in_the_table():
    motifs = [_motif(number=number, matches=[_match(WORD, 0)]) for number in range(1, 16)]
    (picture,) = draw_motifs("demo", _findings(motifs))
    assert picture.svg.count("sites") == MOST_MOTIFS
    assert len(picture.numbers) == 15
    assert f"{MOST_MOTIFS} of 15 are drawn" in picture.caption


def test_nothing_is_drawn_of_nothing_and_the_same_twice():
    assert list(draw_motifs("demo", _findings([]))) == []
    findings = _findings([_motif(matches=[_match(WORD, 0)])])
    assert [p.svg for p in draw_motifs("demo", findings)] == [
        p.svg for p in draw_motifs("demo", findings)
    ]
