import numpy as np
import pytest
from planted_sites import plant

from bioseq_dl.interpret.clusters import find_seqlet_motifs
from bioseq_dl.interpret.motif import reverse_complement, spell_consensus


def _spellings(motif):
    return {motif.consensus, spell_consensus(reverse_complement(motif.pwm))}


@pytest.mark.parametrize("word", ["AGATAAG", "CCATATTTGG", "AAGATGGCGGC"])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("kind", ["hypothetical", "here"])
def test_a_planted_word_is_the_one_motif_on_both_strands(word, sign, kind):
    planted = plant(word, sign=sign)
    (motif,) = find_seqlet_motifs(planted.codes, getattr(planted, kind))
    assert motif.name == ("positive_1" if sign > 0 else "negative_1")
    assert word in _spellings(motif)
    assert motif.sites == 160
    assert motif.contributions.shape == motif.pwm.shape
    strongest = np.abs(motif.contributions).argmax(axis=1)
    np.testing.assert_array_equal(strongest, motif.pwm.argmax(axis=1))
    np.testing.assert_allclose(motif.contributions.sum(axis=1), sign, atol=0.2)


def _two():
    one, two = plant("AGATAAG", count=200), plant("CCACGTGG", count=120, seed=1)
    return (
        np.concatenate([one.codes, two.codes]),
        np.concatenate([one.hypothetical, two.hypothetical]),
    )


def test_several_motifs_come_by_their_sites():
    found = find_seqlet_motifs(*_two())
    assert [motif.name for motif in found] == ["positive_1", "positive_2"]
    assert [motif.sites for motif in found] == [160, 96]
    assert "AGATAAG" in _spellings(found[0])
    assert "CCACGTGG" in _spellings(found[1])


def test_the_same_is_found_again():
    for one, two in zip(find_seqlet_motifs(*_two()), find_seqlet_motifs(*_two()), strict=True):
        np.testing.assert_array_equal(one.pwm, two.pwm)


def test_motifs_with_too_few_sites_are_left_out():
    assert [motif.sites for motif in find_seqlet_motifs(*_two(), fewest=100)] == [160]


def test_sites_at_the_very_ends_count_and_what_lies_beyond_is_unknown():
    planted = plant("AGATAAG", share=0)
    codes, here = planted.codes.copy(), planted.here.copy()
    site = [0, 2, 0, 3, 0, 0, 2]
    codes[:60, :7], codes[60:120, -7:] = site, site
    here[:60, :7] += 1
    here[60:120, -7:] += 1
    (motif,) = find_seqlet_motifs(codes, here)
    assert motif.sites == 120
    assert "AGATAAG" in _spellings(motif)


def test_noise_has_no_motif():
    planted = plant("AGATAAG", share=0)
    assert find_seqlet_motifs(planted.codes, planted.hypothetical) == []
    assert find_seqlet_motifs(planted.codes[:0], planted.hypothetical[:0]) == []


def test_unknown_letters_contribute_nothing():
    planted = plant("AGATAAG")
    codes = planted.codes.copy()
    codes[:, :15] = 4
    loud = planted.hypothetical.copy()
    loud[:, :15] = 7
    for kind in (loud, loud.max(axis=2)):
        for motif in find_seqlet_motifs(codes, kind):
            assert "AGATAAG" in _spellings(motif)
