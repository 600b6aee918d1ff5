"""Negatives: matched, apart from the peaks and from each other, the same each time."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from bioseq_dl.config import Ingest, IntervalsInput, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.io.fetch import fetch_all
from bioseq_dl.io.sequences import read_records

WIDTH = 50


@pytest.fixture(scope="module")
def genome():
    """Two contigs whose GC content drifts, with a gap of N, and a third without peaks."""
    random = np.random.default_rng(3)
    share = 0.5 + 0.2 * np.sin(np.arange(60_000) / 3000)
    strong = random.random(60_000) < share
    bases = np.where(strong, random.choice(list("CG"), 60_000), random.choice(list("AT"), 60_000))
    bases[20_000:22_000] = "N"
    text = "".join(bases)
    return {"a": text[:40_000], "b": text[40_000:], "c": text[:5000]}


def ingest(folder, contigs, peaks, negatives, **options):
    (folder / "g.fa").write_text("".join(f">{name}\n{b}\n" for name, b in contigs.items()))
    (folder / "p.bed").write_text("".join(f"{c}\t{s}\t{e}\tx\t0\t{t}\n" for c, s, e, t in peaks))
    entry = IntervalsInput(
        format="bed",
        source={"path": str(folder / "p.bed")},
        genome={"path": str(folder / "g.fa")},
        negatives=negatives,
        **({"window": WIDTH} | options),
    )
    limits = Ingest(inputs=[entry], max_rejected_fraction=1, duplicate_ids="number")
    files = fetch_all([entry.source, entry.genome], folder)
    return read_records(limits, Targets(), files, folder / "cache")


@pytest.fixture(scope="module")
def peaks():
    random = np.random.default_rng(4)
    found = []
    for contig, size in (("a", 40_000), ("b", 20_000)):
        starts = random.choice(np.arange(100, size - 200, 150), 60, replace=False)
        found += [(contig, int(s), int(s) + 40, random.choice(["+", "-"])) for s in starts]
    return found


def bin_of(row) -> int:
    bases = row["sequence"]
    strong = bases.count("G") + bases.count("C")
    return min(strong * 10 // (strong + bases.count("A") + bases.count("T")), 9)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_bins_match_and_nothing_touches(tmp_path, genome, peaks, ratio):
    settings = {"ratio": ratio, "gc_bins": 10, "exclude_bp": 20, "seed": 1}
    found = ingest(tmp_path, genome, peaks, settings)
    rows = found.records.to_pylist()
    real = [row for row in rows if row["target:label"] == 1]
    drawn = [row for row in rows if row["target:label"] == 0]
    assert rows == real + drawn
    assert len(drawn) == round(ratio * len(real))
    assert [row["id"] for row in drawn] == [f"negative{n}" for n in range(1, len(drawn) + 1)]
    bins = Counter(map(bin_of, real))
    for place, count in Counter(map(bin_of, drawn)).items():
        assert abs(count - ratio * bins[place]) < 1
    taken = {name: np.zeros(len(bases), bool) for name, bases in genome.items()}
    for contig, start, end, _ in peaks:
        taken[contig][max(0, start - 20) : end + 20] = True
    for row in real:
        taken[row["chrom"]][max(0, row["start"] - 20) : row["end"] + 20] = True
    for row in drawn:
        span = slice(row["start"], row["end"])
        assert row["end"] - row["start"] == WIDTH
        assert row["chrom"] in ("a", "b")  # c holds no peak
        assert not taken[row["chrom"]][span].any()
        taken[row["chrom"]][span] = True  # nor each other
        plain = genome[row["chrom"]][span]
        turned = plain[::-1].translate(str.maketrans("ACGT", "TGCA"))
        assert row["sequence"] == (turned if row["strand"] == "-" else plain)
    assert {row["strand"] for row in drawn} == {"+", "-"}
    assert found.summary["inputs"][0]["negatives"] == len(drawn)


def test_seed_decides(tmp_path, genome, peaks):
    first = ingest(tmp_path, genome, peaks, {"seed": 1}).records
    assert first.equals(ingest(tmp_path, genome, peaks, {"seed": 1}).records)
    assert not first.equals(ingest(tmp_path, genome, peaks, {"seed": 2}).records)


def test_empty_bin_is_told_with_counts(tmp_path):
    contigs = {"a": "AT" * 2000 + "GC" * 30 + "AT" * 500}
    with pytest.raises(InputError) as caught:
        ingest(tmp_path, contigs, [("a", 4005, 4055, "+")], {"gc_bins": 4})
    assert "1 of 4 GC bins are short; GC 0.75 to 1.00 needs 1, the genome has 0" in str(
        caught.value
    )


def test_widths_must_agree(tmp_path, genome):
    peaks = [("a", 100, 150, "."), ("a", 300, 360, ".")]
    with pytest.raises(
        InputError, match="negatives need windows of one width; found '50 to 60 bp'"
    ):
        ingest(tmp_path, genome, peaks, {}, window=None)
    peaks[1] = ("a", 300, 350, ".")
    assert ingest(tmp_path, genome, peaks, {}, window=None).records.num_rows == 4


def test_unknown_letters_are_kept_out(tmp_path):
    contigs = {"a": "ACGT" * 50 + "N" * 4000 + "ACGT" * 100}
    found = ingest(tmp_path, contigs, [("a", 50, 100, ".")], {"ratio": 3, "gc_bins": 1})
    assert all(
        "N" not in row["sequence"] or row["sequence"].count("N") <= 5
        for row in found.records.to_pylist()
    )
