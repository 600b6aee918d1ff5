from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioseq_dl.data import candidates, similarity
from bioseq_dl.data.candidates import Labels, choose_window, find_candidates
from bioseq_dl.data.duplicates import number_equal
from bioseq_dl.data.sequences import Sequences, read_sequences, write_arrow
from bioseq_dl.data.similarity import find_similar, measure_containment, no_pairs


def sequences_of(texts: list[str]) -> Sequences:
    return read_sequences(pa.array(texts, pa.string()))


def turn(text: str) -> str:
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


def contain(a: str, b: str, k: int, both: bool) -> float:
    """Plain Python."""
    counters = []
    for text in (a, b):
        kmers = [text[start : start + k] for start in range(len(text) - k + 1)]
        kmers = [kmer for kmer in kmers if "N" not in kmer]
        counters.append(Counter(min(kmer, turn(kmer)) if both else kmer for kmer in kmers))
    smaller = min(counter.total() for counter in counters)
    return (counters[0] & counters[1]).total() / smaller if smaller else 0.0


def relatives(seed: int, families: int, each: int, length: int) -> Sequences:
    """Families of mutated, shifted and turned copies; all different."""
    generator = np.random.default_rng(seed)
    texts = []
    for _ in range(families):
        parent = generator.choice(list("ACGT"), length)
        for _ in range(each):
            child = parent.copy()
            hit = generator.random(length) < generator.choice([0.0, 0.02, 0.05])
            child[hit] = generator.choice(list("ACGTN"), hit.sum())
            shift = int(generator.integers(0, length))
            child = np.concatenate([child[shift:], generator.choice(list("ACGT"), shift)])
            text = "".join(child[: int(generator.integers(length // 2, length + 1))])
            texts.append(turn(text) if generator.random() < 0.5 else text)
    return number_equal(sequences_of(texts), True).unique


def brute_pairs(sequences: Sequences, labels: np.ndarray, k: int, both: bool, least: float):
    texts = write_arrow(sequences).to_pylist()
    return {
        (i, j): contain(texts[i], texts[j], k, both)
        for i in range(len(texts))
        for j in range(i + 1, len(texts))
        if labels[i] != labels[j] and contain(texts[i], texts[j], k, both) >= least
    }


def plain_labels(values: np.ndarray) -> Labels:
    return Labels(np.arange(len(values) + 1), values)


@settings(deadline=None)
@given(
    st.lists(st.text("ACGTN", max_size=30), min_size=2, max_size=6),
    st.integers(8, 12),
    st.booleans(),
)
def test_containment_equals_that_of_plain_python(texts: list[str], k: int, both: bool) -> None:
    pairs = np.array([(i, j) for i in range(len(texts)) for j in range(len(texts))])
    found = measure_containment(sequences_of(texts), pairs, k, both)
    assert found.tolist() == pytest.approx([contain(texts[i], texts[j], k, both) for i, j in pairs])


@settings(deadline=None)
@given(st.lists(st.text("AC", min_size=8, max_size=25), min_size=2, max_size=5), st.booleans())
def test_containment_of_repeats_equals_that_of_plain_python(texts: list[str], both: bool) -> None:
    pairs = np.array([(i, j) for i in range(len(texts)) for j in range(i, len(texts))])
    found = measure_containment(sequences_of(texts), pairs, 8, both)
    assert found.tolist() == pytest.approx([contain(texts[i], texts[j], 8, both) for i, j in pairs])


def test_tables_of_few_sequences_measure_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = relatives(0, 5, 8, 80)
    pairs = np.random.default_rng(1).integers(0, len(sequences), (300, 2))
    whole = measure_containment(sequences, pairs, 12, True)
    monkeypatch.setattr(similarity, "_TABLE_CELLS", 600)
    monkeypatch.setattr(similarity, "_MERGED_CELLS", 300)
    monkeypatch.setattr(similarity, "_PAIRS_AT_ONCE", 70)
    assert measure_containment(sequences, pairs, 12, True).tolist() == whole.tolist()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.3, 0.5, 0.8]), st.booleans())
def test_search_finds_what_plain_python_finds(seed: int, least: float, both: bool) -> None:
    sequences = relatives(seed, 4, 8, 120)
    labels = np.random.default_rng(seed).integers(0, 3, len(sequences))
    found = find_similar(
        sequences, [plain_labels(labels)], k=12, both_strands=both, containment=least,
        known=no_pairs(),
    )  # fmt: skip
    expected = brute_pairs(sequences, labels, 12, both, least)
    pairs = dict(zip(map(tuple, found.pairs.tolist()), found.containment, strict=True))
    assert set(pairs) <= set(expected)
    assert len(set(expected) - set(pairs)) <= 0.02 * len(expected)
    for pair, value in pairs.items():
        assert value == pytest.approx(expected[pair])
    assert found.complete


def test_parts_slabs_and_chunks_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = relatives(3, 6, 20, 150)
    labels = [plain_labels(np.random.default_rng(4).integers(0, 3, len(sequences)))]
    arguments = {"k": 16, "both_strands": True, "containment": 0.5}
    whole, complete = find_candidates(sequences, labels, **arguments)
    monkeypatch.setattr(candidates, "_INDEX_ROWS", 700)
    monkeypatch.setattr(candidates, "_SLAB_ROWS", 50)
    monkeypatch.setattr(candidates, "_LINK_BLOCK", 40)
    monkeypatch.setattr(candidates, "CHUNK_BASES", 500)
    parts, still_complete = find_candidates(sequences, labels, **arguments)
    assert parts.tolist() == whole.tolist()
    assert complete
    assert still_complete
    assert len(whole) > 100


def test_a_sequence_may_have_several_labels_or_none() -> None:
    text = "".join(np.random.default_rng(0).choice(list("ACGT"), 60))
    sequences = sequences_of([text + "A", text + "C", text + "G"])
    labels = Labels(np.array([0, 2, 3, 3]), np.array([0, 1, 1]))
    found = find_similar(
        sequences, [labels], k=16, both_strands=True, containment=0.5, known=no_pairs()
    )
    assert found.pairs.tolist() == [[0, 1]]


def test_a_microsatellite_is_not_contained_in_a_short_stretch_of_it() -> None:
    generator = np.random.default_rng(5)
    left, right = ("".join(generator.choice(list("ACGT"), 80)) for _ in range(2))
    sequences = sequences_of(["CA" * 100, left + "CA" * 15 + right, "CA" * 90 + "GATTACA"])
    found = find_similar(
        sequences, [plain_labels(np.arange(3))], k=16, both_strands=True, containment=0.5,
        known=no_pairs(),
    )  # fmt: skip
    assert found.pairs.tolist() == [[0, 2]]


def test_known_pairs_are_kept_and_not_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = relatives(6, 3, 6, 100)
    labels = [plain_labels(np.arange(len(sequences)))]
    arguments = {"k": 16, "both_strands": True, "containment": 0.5}
    first = find_similar(sequences, labels, **arguments, known=no_pairs())
    measured = []
    plain = similarity.measure_containment

    def watch(sequences, pairs, *how):
        measured.append(len(pairs))
        return plain(sequences, pairs, *how)

    monkeypatch.setattr(similarity, "measure_containment", watch)
    second = find_similar(sequences, labels, **arguments, known=first, salt=1)
    assert measured == [0]
    assert second.pairs.tolist() == first.pairs.tolist()


def test_crowded_buckets_are_bounded_and_still_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(7)
    parent = generator.choice(list("ACGT"), 200)
    texts = set()
    while len(texts) < 600:
        child = parent.copy()
        child[generator.integers(0, 200, 2)] = generator.choice(list("ACGT"), 2)
        texts.add("".join(child))
    sequences = sequences_of(sorted(texts))
    labels = generator.integers(0, 3, 600)
    monkeypatch.setattr(candidates, "_LEAST_LINKS", 1000)
    pairs, complete = find_candidates(
        sequences, [plain_labels(labels)], k=16, both_strands=True, containment=0.5
    )
    assert not complete
    assert len(pairs) <= 1.5 * 32 * 600 < 600 * 599 / 3
    met = np.unique(np.stack([pairs // np.uint64(600), pairs % np.uint64(600)]))
    assert len(met) >= 0.99 * 600
    again, _ = find_candidates(
        sequences, [plain_labels(labels)], k=16, both_strands=True, containment=0.5, salt=1
    )
    assert len(np.setdiff1d(again, pairs)) > 0


def test_window_is_as_wide_as_the_threshold_allows() -> None:
    generator = np.random.default_rng(8)
    texts = ["".join(generator.choice(list("ACGT"), 200)) for _ in range(20)]
    assert choose_window(sequences_of(texts), 16, 0.5) == 10
    assert choose_window(sequences_of(texts), 16, 0.3) == 6
    assert choose_window(sequences_of(["ACGTACGTACGTACGT"]), 16, 0.3) == 1
    assert choose_window(sequences_of(["ACG"]), 16, 0.5) == 1
    # The worst case of the formula: substitutions spread so that every run is as short as can be.
    worst = list(texts[0])
    for place in range(12, 200, 28):
        worst[place] = "A" if worst[place] != "A" else "C"
    pair = sequences_of([texts[0], "".join(worst)])
    shared = measure_containment(pair, np.array([[0, 1]]), 16, True)[0]
    assert 0.3 <= shared <= 0.45
    found = find_similar(
        pair, [plain_labels(np.arange(2))], k=16, both_strands=True, containment=0.3,
        known=no_pairs(),
    )  # fmt: skip
    assert len(found.pairs) == 1


def test_too_short_for_a_kmer() -> None:
    found = find_similar(
        sequences_of(["ACGT", "ACGTA"]), [plain_labels(np.arange(2))], k=16, both_strands=True,
        containment=0.5, known=no_pairs(),
    )  # fmt: skip
    assert len(found.pairs) == 0
