import numpy as np
import pytest
from Bio.motifs import parse

from bioseq_dl.errors import InputError
from bioseq_dl.interpret.database import load_jaspar, read_motifs
from bioseq_dl.interpret.findings import spell_meme
from bioseq_dl.interpret.motif import Motif

JASPAR = """>MA0095.2 YY1
A [ 10 0 100 ]
C [ 80 0 0 ]
G [ 5 100 0 ]
T [ 5 0 0 ]
"""


@pytest.fixture(scope="module")
def jaspar():
    pytest.importorskip("pyjaspar")
    return load_jaspar("JASPAR2024", "CORE", ("vertebrates",))


def test_the_release_is_read_offline_with_its_families(jaspar):
    assert jaspar.name == "JASPAR2024 CORE vertebrates"
    assert len(jaspar.motifs) == 879
    known = {motif.id: motif for motif in jaspar.motifs}
    assert known["MA0095.4"].name == "Yy1"
    assert known["MA0062.4"].family == "Ets-related"
    for motif in jaspar.motifs:
        np.testing.assert_allclose(motif.pwm.sum(axis=1), 1)
        assert motif.pwm.min() > 0
    assert not jaspar.notes


@pytest.mark.parametrize(
    ("release", "collection", "taxa", "words"),
    [
        ("JASPAR1999", "CORE", ("vertebrates",), ("JASPAR1999", "JASPAR2024")),
        ("JASPAR2024", "CORE", ("vertebrate",), ("taxa", "'vertebrate'", "vertebrates")),
        ("JASPAR2024", "COR", (), ("collection", "'COR'", "CORE")),
    ],
)
def test_a_misspelt_choice_is_told_with_what_there_is(release, collection, taxa, words):
    pytest.importorskip("pyjaspar")
    with pytest.raises(InputError) as caught:
        load_jaspar(release, collection, taxa)
    for word in words:
        assert word in str(caught.value)


def test_a_jaspar_file_is_read(tmp_path):
    path = tmp_path / "mine.jaspar"
    path.write_text(JASPAR)
    database = read_motifs(path)
    (motif,) = database.motifs
    assert (motif.id, motif.name) == ("MA0095.2", "YY1")
    np.testing.assert_allclose(motif.pwm[0], [10.25 / 101, 80.25 / 101, 5.25 / 101, 5.25 / 101])
    assert "1 known motifs only" in database.notes[0]


def test_our_own_meme_file_is_read_back(tmp_path):
    pwm = np.random.default_rng(0).dirichlet([1] * 4, 6)
    path = tmp_path / "motifs.meme"
    two_spelt = Motif("filter_3", "filter", pwm[:4], 30)
    path.write_text(spell_meme([Motif("positive_1", "seqlets", pwm, 12), two_spelt]))
    one, two = read_motifs(path).motifs
    assert one.id == "positive_1"
    np.testing.assert_allclose(one.pwm, pwm, atol=1e-6)
    assert two.id == "filter_3"
    assert two.name == two_spelt.consensus
    with path.open() as handle:  # others read it too, though rounded to counts
        assert [motif.name for motif in parse(handle, "minimal")] == ["positive_1", "filter_3"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "neither"),
        ("hello\n", "neither"),
        ("MEME version 4\n\nALPHABET= ACGT\n", "no motif"),
        (">MA1 X\nA [ 1 2 ]\nC [ 1 ]\nG [ 1 2 ]\nT [ 1 2 ]\n", "JASPAR format"),
        ("MEME version 4\nMOTIF a\nletter-probability matrix: w= 2\n1 0 0 0\n", "cut short"),
        ("MEME version 4\nMOTIF a\nletter-probability matrix: w= 1\n1 1 0 0\n", "add up"),
        ("MEME version 4\nMOTIF a\nletter-probability matrix: w= 1\n1 0 0\n", "MEME format"),
        (">MA1 X\nA [ one ]\nC [ 1 ]\nG [ 1 ]\nT [ 1 ]\n", "JASPAR format"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, text, words):
    path = tmp_path / "bad.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_motifs(path)
    assert "bad.txt" in str(caught.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot read the motifs"):
        read_motifs(tmp_path / "none.meme")
