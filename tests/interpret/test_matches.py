import numpy as np
import pytest

from bioseq_dl.interpret.database import KnownMotif, MotifDatabase
from bioseq_dl.interpret.matches import match_motifs
from bioseq_dl.interpret.motif import Motif, reverse_complement

pytest.importorskip("memelite")


@pytest.fixture(scope="module")
def database():
    random = np.random.default_rng(0)
    known = [
        KnownMotif(f"K{i:03d}", f"factor{i}", random.dirichlet([0.3] * 4, random.integers(7, 16)))
        for i in range(200)
    ]
    return MotifDatabase("known", tuple(known))


def _match(pwm, database, top=3):
    return match_motifs([Motif("query", "seqlets", pwm, 30)], database, top)[0]


@pytest.mark.parametrize("strand", ["+", "-"])
@pytest.mark.parametrize("cut", [0, 2])
def test_a_part_of_a_known_motif_is_found_at_its_place_and_strand(database, strand, cut):
    known = database.motifs[17]
    oriented = known.pwm if strand == "+" else reverse_complement(known.pwm)
    first, second, third = _match(oriented[cut:], database)
    assert first.known.id == "K017"
    assert (first.offset, first.strand) == (cut, strand)
    assert first.overlap == len(known.pwm) - cut
    assert first.q < 1e-3
    assert first.p <= second.p <= third.p
    # The place: our column i beside the known motif's column i + offset, turned.
    np.testing.assert_allclose(oriented[first.offset], oriented[cut:][0])


def test_a_motif_that_begins_before_the_known_one_has_a_negative_offset(database):
    known = database.motifs[17].pwm
    longer = np.concatenate([np.full((2, 4), 0.25), known])
    (first,) = _match(longer, database, top=1)
    assert (first.known.id, first.offset) == ("K017", -2)


def test_chances_of_random_columns_are_even(database):
    """p-values of motifs put together from the database's columns are near uniform."""
    random = np.random.default_rng(1)
    columns = np.concatenate([motif.pwm for motif in database.motifs])
    queries = [
        Motif(f"q{i}", "filter", columns[random.integers(0, len(columns), 10)], 30)
        for i in range(60)
    ]
    matches = match_motifs(queries, database, top=200)
    chances = np.array([[match.p for match in row] for row in matches])
    assert 0.06 < (chances < 0.1).mean() < 0.13
    assert 0.004 < (chances < 0.01).mean() < 0.018
    assert np.mean([row[0].q < 0.05 for row in matches]) < 0.15


def test_q_is_benjamini_and_hochbergs_over_the_database(database):
    matches = _match(database.motifs[3].pwm, database, top=200)
    p = np.array([match.p for match in matches])
    expected = np.minimum.accumulate((p * 200 / np.arange(1, 201))[::-1])[::-1]
    np.testing.assert_allclose([match.q for match in matches], np.minimum(expected, 1))


def test_nothing_to_compare(database):
    assert match_motifs([], database, 3) == []
    empty = MotifDatabase("none", ())
    assert match_motifs([Motif("q", "filter", np.eye(4), 10)], empty, 3) == [()]
