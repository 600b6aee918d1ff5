"""The flat genome and what is cut from it, against plain slices of the text."""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioseq_dl.errors import InputError
from bioseq_dl.io import genome as module
from bioseq_dl.io.genome import extract, open_genome, reverse_complement

COMPLEMENT = str.maketrans("ACGTRYSWKMBDHVN", "TGCAYRSWMKVHDBN")
CONTIGS = {"chr1": "ACGTRYSWKMBDHVN" * 7, "2": "G", "chrX": "TTTACG" * 30}


def write_genome(path: Path, contigs: dict[str, str], width: int = 13, newline: str = "\n") -> Path:
    lines = []
    for name, bases in contigs.items():
        lines.append(f">{name} some text")
        lines += [bases[i : i + width] for i in range(0, len(bases), width)]
    data = newline.join(lines).encode() + newline.encode()
    packers = {".gz": gzip.compress, ".xz": lzma.compress}
    path.write_bytes(packers.get(path.suffix, bytes)(data))
    return path


def cut(contigs: dict[str, str], chrom: str, start: int, end: int, strand: str = "+") -> str:
    """The slow and plain way."""
    bases = contigs[chrom].upper()
    text = "".join(bases[i] if 0 <= i < len(bases) else "N" for i in range(start, end))
    return text[::-1].translate(COMPLEMENT) if strand == "-" else text


def as_text(windows: np.ndarray) -> list[str]:
    return [bytes(row).decode() for row in windows]


@pytest.mark.parametrize("name", ["g.fa", "g.fa.gz", "g.fa.xz"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("chunk", [1, 7, 1 << 22])
def test_cache_holds_every_base(tmp_path, monkeypatch, name, newline, chunk):
    monkeypatch.setattr(module, "_CHUNK", chunk)
    mixed = {
        key: bases[: len(bases) // 2].lower() + bases[len(bases) // 2 :]
        for key, bases in CONTIGS.items()
    }
    genome = open_genome(write_genome(tmp_path / name, mixed, 13, newline), tmp_path / "cache")
    assert list(genome.contigs) == list(CONTIGS)
    for key, (offset, length) in genome.contigs.items():
        assert bytes(genome.bases[offset : offset + length]).decode() == CONTIGS[key]
    assert genome.bases.dtype == np.uint8


def test_cache_is_built_once_and_anew_for_other_content(tmp_path, monkeypatch):
    path = write_genome(tmp_path / "g.fa", CONTIGS)
    open_genome(path, tmp_path / "cache")
    built = []
    real = module._build
    monkeypatch.setattr(module, "_build", lambda *a: built.append(a) or real(*a))
    open_genome(path, tmp_path / "cache")
    open_genome(path, tmp_path / "cache", sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    assert not built
    genome = open_genome(write_genome(path, {"other": "ACGT"}), tmp_path / "cache")
    assert genome.contigs == {"other": (0, 4)}
    assert len(built) == 1


@pytest.mark.parametrize("damage", ["index", "bases", "format"])
def test_damaged_cache_is_built_again(tmp_path, damage):
    path = write_genome(tmp_path / "g.fa", CONTIGS)
    open_genome(path, tmp_path / "cache")
    (bases,) = (tmp_path / "cache").rglob("*.bases")
    (index,) = (tmp_path / "cache").rglob("*.json")
    if damage == "bases":
        bases.write_bytes(b"A")
    elif damage == "index":
        index.write_text("{")
    else:
        index.write_text(json.dumps(json.loads(index.read_text()) | {"format": 0}))
    genome = open_genome(path, tmp_path / "cache")
    assert len(genome.bases) == sum(map(len, CONTIGS.values()))


def test_processes_that_build_at_once_agree(tmp_path):
    contigs = {f"c{n}": "ACGT" * 20_000 for n in range(5)}
    path = write_genome(tmp_path / "g.fa", contigs, 60)
    code = (
        "import sys; from bioseq_dl.io.genome import open_genome; "
        "print(len(open_genome(sys.argv[1], sys.argv[2]).bases))"
    )
    command = [sys.executable, "-c", code, str(path), str(tmp_path / "cache")]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [run.communicate(timeout=120)[0] for run in runs] == ["400000\n"] * 3
    left = sorted(p.suffix for p in (tmp_path / "cache" / "genomes").iterdir())
    assert left == [".bases", ".json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (">a\nACGT\n>b\n", "record 'b': a contig of the genome is empty"),
        (">a\nACGT\n>a\nA\n", "record 'a': two contigs of the genome have one name"),
        (">\nACGT\n", "a contig of the genome has no name"),
        ("ACGT\n", "the genome is no FASTA; found 'ACGT'"),
        (
            ">a\nAC\nGTEL\n",
            "record 'a', position 5: a letter in the genome is no nucleotide; "
            "found 'E'; allowed: ACGTRYSWKMBDHVN",
        ),
        (">a", "a contig of the genome is empty"),
    ],
)
def test_bad_genomes_leave_no_cache(tmp_path, text, message):
    (tmp_path / "g.fa").write_text(text)
    with pytest.raises(InputError) as caught:
        open_genome(tmp_path / "g.fa", tmp_path / "cache")
    assert message in str(caught.value)
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file() and p.suffix != ".lock"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(CONTIGS)), st.integers(-30, 190), st.sampled_from(["+", "-", "."])
        ),
        min_size=1,
        max_size=40,
    ),
    st.integers(1, 400),
)
@settings(max_examples=80, deadline=None)
def test_windows_equal_plain_slices(tmp_path_factory, places, length):
    folder = tmp_path_factory.getbasetemp()
    genome = open_genome(write_genome(folder / "g.fa", CONTIGS), folder / "cache")
    chroms, starts, strands = zip(*places, strict=True)
    found = extract(genome, chroms, np.array(starts), length, strands)
    assert found.shape == (len(places), length)
    expected = [cut(CONTIGS, c, s, s + length, t) for c, s, t in places]
    assert as_text(found) == expected
    numbers = np.array([list(CONTIGS).index(chrom) for chrom in chroms])
    np.testing.assert_array_equal(
        extract(genome, numbers, np.array(starts), length, strands), found
    )


@given(st.integers(0, 40), st.integers(1, 17))
@settings(max_examples=60, deadline=None)
def test_reverse_complement_of_any_shape(rows, length):
    random = np.random.default_rng(rows * 100 + length)
    windows = random.choice(np.frombuffer(b"ACGTRYSWKMBDHVN", np.uint8), (rows, length))
    found = reverse_complement(windows)
    assert as_text(found) == [row[::-1].translate(COMPLEMENT) for row in as_text(windows)]
    np.testing.assert_array_equal(reverse_complement(found), windows)


def test_many_minus_windows_cross_the_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK_BYTES", 100)
    contigs = {"a": "".join(np.random.default_rng(0).choice(list("ACGTN"), 500))}
    genome = open_genome(write_genome(tmp_path / "g.fa", contigs), tmp_path)
    starts = np.arange(-5, 495)
    found = extract(genome, np.zeros(500, int), starts, 9, ["-"] * 500)
    assert as_text(found) == [cut(contigs, "a", s, s + 9, "-") for s in starts.tolist()]


def test_unknown_contig_is_a_key_error(tmp_path):
    genome = open_genome(write_genome(tmp_path / "g.fa", CONTIGS), tmp_path)
    with pytest.raises(KeyError):
        extract(genome, ["chr9"], np.array([0]), 3)


def test_real_chromosome_to_the_base(tmp_path, shared_data):
    """GRCh37's chromosome 20: its known hash, and windows on both strands, edges included."""
    path = shared_data / "dna_chr20_b37" / "chr20_b37.fa.xz"
    genome = open_genome(path, tmp_path)
    assert dict(genome.contigs) == {"20": (0, 63_025_520)}
    assert hashlib.md5(genome.bases).hexdigest() == "0dec9660ec1efaaf33281c0d5ea2560f"
    with lzma.open(path, "rt") as handle:
        handle.readline()
        text = "".join(line.strip() for line in handle).upper()
    random = np.random.default_rng(0)
    starts = random.integers(0, len(text) - 1000, 2000)
    starts[:4] = [-600, -1, len(text) - 999, len(text) - 300]
    strands = random.choice(["+", "-"], len(starts))
    found = extract(genome, np.zeros(len(starts), int), starts, 1000, strands)
    for row, start, strand in zip(as_text(found), starts.tolist(), strands, strict=True):
        plain = text[max(start, 0) : start + 1000]
        plain = "N" * max(-start, 0) + plain
        plain += "N" * (1000 - len(plain))
        assert row == (plain[::-1].translate(COMPLEMENT) if strand == "-" else plain)
