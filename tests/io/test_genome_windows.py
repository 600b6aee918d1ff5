"""Windows around intervals: not one base off, on both strands."""

from __future__ import annotations

import gzip
import lzma

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioseq_dl.config import Ingest, IntervalsInput, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.io.fetch import fetch_all
from bioseq_dl.io.genome import open_genome
from bioseq_dl.io.intervals import read_intervals
from bioseq_dl.io.sequences import read_records
from bioseq_dl.io.windows import cut_windows, match_contigs, place_windows

COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
BASES = "".join(np.random.default_rng(5).choice(list("ACGT"), 300))


def turn(text: str) -> str:
    return text[::-1].translate(COMPLEMENT)


def cut(folder, lines, contigs=None, limits=None, **options):
    """Give (rows as dicts, rejects, notes) of an intervals input."""
    contigs = contigs or {"1": BASES}
    (folder / "g.fa").write_text("".join(f">{name}\n{b}\n" for name, b in contigs.items()))
    (folder / "a.bed").write_text("".join(line + "\n" for line in lines))
    options = {"format": "bed"} | options
    entry = IntervalsInput(
        source={"path": str(folder / "a.bed")}, genome={"path": str(folder / "g.fa")}, **options
    )
    ingest = Ingest(inputs=[entry], **(limits or {}))
    genome = open_genome(folder / "g.fa", folder / "cache")
    intervals = read_intervals(folder / "a.bed", narrowpeak=entry.format == "narrowpeak")
    contig, notes = match_contigs(intervals, genome, "a.bed")
    windows, rejects = place_windows(entry, ingest, intervals, contig, genome)
    rows = []
    for batch in cut_windows(entry, intervals, windows, genome):
        for i, name in enumerate(batch.ids):
            text = bytes(batch.letters[batch.offsets[i] : batch.offsets[i + 1]]).decode()
            place = (batch.chrom[i], int(batch.start[i]), int(batch.end[i]), batch.strand[i])
            rows.append({"id": name, "sequence": text, "place": place})
    return rows, rejects, notes


def test_intervals_as_they_are(tmp_path):
    rows, rejects, notes = cut(tmp_path, ["1\t10\t20\tn\t0\t+", "1\t0\t7\tn\t0\t-", "1\t299\t300"])
    assert [row["sequence"] for row in rows] == [BASES[10:20], turn(BASES[:7]), BASES[299]]
    assert [row["id"] for row in rows] == ["1:10-20(+)", "1:0-7(-)", "1:299-300"]
    assert [row["place"] for row in rows] == [
        ("1", 10, 20, "+"),
        ("1", 0, 7, "-"),
        ("1", 299, 300, "."),
    ]
    assert (rejects, notes) == ([], [])


@given(st.integers(0, 250), st.integers(1, 40), st.integers(1, 60), st.sampled_from("+-."))
@settings(max_examples=120, deadline=None)
def test_window_around_the_centre(tmp_path_factory, start, width, window, strand):
    folder = tmp_path_factory.getbasetemp()
    end = start + width
    rows, _, _ = cut(folder, [f"1\t{start}\t{end}\tn\t0\t{strand}"], window=window, edges="pad")
    (row,) = rows
    _, first, last, _ = row["place"]
    # The middles differ by half a base at most, and padding is where the contig is not.
    assert last - first == window
    assert abs((first + last) - (start + end)) <= 1
    plain = "".join(BASES[i] if 0 <= i < 300 else "N" for i in range(first, last))
    assert row["sequence"] == (turn(plain) if strand == "-" else plain)


@pytest.mark.parametrize("window", range(1, 9))
@pytest.mark.parametrize("strand", ["+", "-"])
def test_anchor_is_the_same_letter_on_both_strands(tmp_path, window, strand):
    rows, _, _ = cut(tmp_path, [f"1\t100\t101\tn\t0\t{strand}"], window=window)
    base = turn(BASES[100]) if strand == "-" else BASES[100]
    _, first, last, _ = rows[0]["place"]
    assert rows[0]["sequence"][window // 2] == base
    assert (100 - first if strand == "+" else last - 101) == window // 2


def test_summit_is_start_plus_peak(tmp_path):
    line = "1\t100\t150\tn\t0\t{}\t1\t1\t1\t{}"
    rows, rejects, _ = cut(
        tmp_path,
        [line.format(".", 30), line.format("-", 0), line.format(".", -1)],
        format="narrowpeak",
        anchor="summit",
        window=4,
    )
    assert [row["sequence"] for row in rows] == [BASES[128:132], turn(BASES[99:103])]
    assert [(reject.position, reject.reason) for reject in rejects] == [("line 3", "no summit")]


def test_summit_needs_a_narrowpeak_and_a_window(tmp_path):
    with pytest.raises(InputError, match="anchor: summit needs format: narrowpeak and a window"):
        cut(tmp_path, ["1\t1\t2"], anchor="summit", window=3)


def test_strand_may_be_ignored(tmp_path):
    rows, _, _ = cut(tmp_path, ["1\t10\t20\tn\t0\t-"], strand="ignore")
    assert rows[0]["sequence"] == BASES[10:20]
    assert rows[0]["place"][3] == "."


def test_windows_beyond_the_contig(tmp_path):
    lines = ["1\t0\t2", "1\t100\t102", "1\t298\t300"]
    rows, rejects, _ = cut(tmp_path, lines, window=10)
    assert [row["id"] for row in rows] == ["1:100-102"]
    assert [(r.record, r.position, r.reason, r.found) for r in rejects] == [
        ("1:0-2", "line 1", "window beyond the contig", "1:-4-6"),
        ("1:298-300", "line 3", "window beyond the contig", "1:294-304"),
    ]
    rows, rejects, _ = cut(tmp_path, lines, window=10, edges="pad")
    assert rows[0]["sequence"] == "NNNN" + BASES[:6]
    assert rows[2]["sequence"] == BASES[294:] + "NNNN"
    assert rejects == []


def test_huge_intervals_are_rejected_before_they_are_cut(tmp_path):
    _, rejects, _ = cut(tmp_path, ["1\t0\t300"], limits={"max_length": 100})
    assert [reject.found for reject in rejects] == ["300 letters"]


@pytest.mark.parametrize(("theirs", "ours"), [("chr1", "1"), ("1", "chr1")])
def test_contig_names_with_and_without_chr(tmp_path, theirs, ours):
    rows, _, notes = cut(tmp_path, [f"{theirs}\t10\t20"], {ours: BASES})
    assert rows[0]["place"] == (ours, 10, 20, ".")
    assert rows[0]["sequence"] == BASES[10:20]
    assert notes == [f"contigs read under the genome's names: {theirs} as {ours}"]


def test_exact_names_win(tmp_path):
    contigs = {"1": BASES, "chr1": BASES[::-1]}
    rows, _, notes = cut(tmp_path, ["chr1\t0\t9", "1\t0\t9"], contigs)
    assert [row["sequence"] for row in rows] == [BASES[::-1][:9], BASES[:9]]
    assert notes == []


def test_two_names_for_one_contig(tmp_path):
    with pytest.raises(InputError, match="contigs 1 and chr1 both stand for the genome's 1"):
        cut(tmp_path, ["chr1\t0\t9", "1\t0\t9"])


def test_contigs_that_are_not_there(tmp_path):
    _, rejects, _ = cut(tmp_path, ["1\t0\t9", "chrUn\t0\t9"])
    assert [(r.reason, r.found) for r in rejects] == [("contig not in the genome", "chrUn")]
    with pytest.raises(InputError, match="none of the intervals' contigs is in the genome"):
        cut(tmp_path, ["chr2\t0\t9"])


def test_interval_beyond_its_contig(tmp_path):
    with pytest.raises(InputError) as caught:
        cut(tmp_path, ["1\t0\t9", "1\t290\t301"])
    assert str(caught.value) == (
        "a.bed, line 2: the interval ends beyond its contig; found '1 290 301'; "
        "allowed: end up to 300; fix: use the genome of the same assembly"
    )


@pytest.fixture(scope="module")
def chromosome(shared_data):
    with lzma.open(shared_data / "dna_chr20_b37" / "chr20_b37.fa.xz", "rt") as handle:
        handle.readline()
        return "".join(line.strip() for line in handle).upper()


@pytest.mark.parametrize("masked", [False, True])
def test_real_splice_sites(tmp_path, shared_data, chromosome, masked):
    """Sites by strand: nearly all donors read GT and acceptors AG, at the window's middle."""
    folder = shared_data / "dna_chr20_b37"
    genome = "chr20_b37_masked_42.5-46.5Mb.fa.gz" if masked else "chr20_b37.fa.xz"
    bed = folder / "splice_sites_chr20.bed.gz"
    entry = IntervalsInput(
        format="bed",
        source={"path": str(bed)},
        genome={"path": str(folder / genome)},
        window=100,
        columns={"donor": "name"},
    )
    text = gzip.decompress(bed.read_bytes()).decode()
    sites = [line.split("\t") for line in text.splitlines()]
    copy = tmp_path / "sites.bed"
    copy.write_text(
        "".join(
            "\t".join([*site[:3], str(int(site[3].startswith("donor"))), *site[4:]]) + "\n"
            for site in sites
        )
    )
    entry = entry.model_copy(update={"source": entry.source.model_copy(update={"path": str(copy)})})
    ingest = Ingest(
        inputs=[entry], max_rejected_fraction=1, max_unknown_fraction=0, duplicate_ids="number"
    )
    files = fetch_all([entry.source, entry.genome], tmp_path)
    found = read_records(ingest, Targets(names=("donor",)), files, tmp_path)
    rows = found.records.to_pylist()
    assert len(rows) == (1034 if masked else len(sites))
    for row in rows:
        plain = chromosome[row["start"] : row["end"]]
        assert row["sequence"] == (turn(plain) if row["strand"] == "-" else plain)
    donors = [row["sequence"][49:51] for row in rows if row["target:donor"] == 1]
    acceptors = [row["sequence"][49:51] for row in rows if row["target:donor"] == 0]
    assert donors.count("GT") / len(donors) > 0.98
    assert acceptors.count("AG") / len(acceptors) > 0.98


def test_real_peaks_named_otherwise(tmp_path, shared_data, chromosome):
    """hg19 peaks on chr20 against a genome that calls it 20."""
    folder = shared_data / "dna_chr20_b37"
    entry = IntervalsInput(
        format="bed",
        source={"path": str(folder / "peaks_hg19_CBX6.bed.gz")},
        genome={"path": str(folder / "chr20_b37.fa.xz")},
        window=201,
        negatives={"ratio": 2},
    )
    ingest = Ingest(inputs=[entry], max_rejected_fraction=1)
    files = fetch_all([entry.source, entry.genome], tmp_path)
    found = read_records(ingest, Targets(), files, tmp_path)
    assert found.summary["notes"] == ["contigs read under the genome's names: chr20 as 20"]
    assert found.summary["inputs"][0]["kept"] == 25
    assert found.summary["targets"]["label"]["classes"] == {"0": 50, "1": 25}
    for row in found.records.to_pylist():
        assert row["sequence"] == chromosome[row["start"] : row["end"]]
        if row["target:label"]:
            start, end = map(int, row["id"].split(":")[1].split("-"))
            assert row["start"] == (start + end) // 2 - 100
