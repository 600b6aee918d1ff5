"""Scattered and gathered, split and padded: the same scores, the same bytes."""

from __future__ import annotations

import json
import random
import shutil

import numpy as np
import pytest
from plain_reference import Plain, make_checkpoint, save
from scored_files import draw_contig, read_table, read_vcf, run_variants, write_genome, write_vcf

from bioseq_dl.cli.main import main
from bioseq_dl.io.vcf import survey as survey_module

CONTIGS = {"1": draw_contig(900, 1), "2": draw_contig(500, 2)}
OUTPUTS = ("out.vcf.gz", "out.parquet", "out.json")


def draw_records(count: int, seed: int, order: bool = True) -> list[tuple]:
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        chrom = draw.choice(list(CONTIGS))
        place = draw.randrange(len(CONTIGS[chrom]) - 9)
        ref = CONTIGS[chrom][place : place + draw.choice((1, 1, 1, 3))]
        alts = {"".join(draw.choices("ACGT", k=draw.choice((1, 1, 2)))) for _ in range(2)}
        found.append((chrom, place + 1, ref, ",".join(sorted(alts)), f"X={len(found)}"))
    return sorted(found, key=lambda one: one[:2]) if order else found


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of 16 records, so that a small file has many."""
    real = survey_module.survey_vcf
    monkeypatch.setattr(survey_module, "survey_vcf", lambda path: real(path, chunk_records=16))


@pytest.fixture
def made(tmp_path):
    genome = write_genome(tmp_path, CONTIGS)
    models = save(tmp_path, make_checkpoint(11), make_checkpoint(11, seed=1))
    return tmp_path, models, genome


def summary_of(path):
    found = json.loads(path.read_text())
    provenance = found.pop("provenance")
    assert provenance["seconds"] >= 0
    return found


@pytest.mark.parametrize("order", [True, False], ids=["sorted", "unsorted"])
@pytest.mark.parametrize("parts", [1, 3, 20])
def test_gathered_parts_are_the_whole_byte_for_byte(made, small_chunks, parts, order, capfd):
    folder, models, genome = made
    records = draw_records(100, 1, order)
    vcf = write_vcf(folder / "in.vcf", records)
    assert run_variants(folder, models, vcf, genome) == 0
    whole = folder / "whole"
    whole.mkdir()
    for name in (*OUTPUTS, "out.vcf.gz.tbi"):
        if (folder / name).exists():
            shutil.move(folder / name, whole / name)
    assert (whole / "out.vcf.gz.tbi").exists() == order
    _, found = read_vcf(whole / "out.vcf.gz")
    assert [record.fields[:5] for record in found] == [
        [chrom, str(pos), f"v{number}", ref, alt]
        for number, (chrom, pos, ref, alt, _) in enumerate(records)
    ]
    assert [record.info["X"] for record in found] == [info[2:] for *_, info in records]
    assert [r["record"] for r in read_table(whole / "out.parquet") if r["allele"] == 0] == list(
        range(100)
    )
    for number in range(1, parts + 1):
        assert run_variants(folder, models, vcf, genome, "--part", f"{number}/{parts}") == 0
        for name in OUTPUTS:
            shutil.move(folder / name, folder / f"{number}-{name}")
    listed = {
        name: [str(folder / f"{number}-{name}") for number in range(1, parts + 1)]
        for name in OUTPUTS
    }
    if parts == 1:
        for name in OUTPUTS[:2]:
            assert (whole / name).read_bytes() == (folder / f"1-{name}").read_bytes()
        assert summary_of(whole / "out.json") == summary_of(folder / "1-out.json")
        return
    capfd.readouterr()
    words = ["gather", "--vcf", *listed["out.vcf.gz"], "--tables", *listed["out.parquet"]]
    words += ["--summaries", *listed["out.json"]]
    for name, option in zip(OUTPUTS, ("vcf", "table", "summary"), strict=True):
        words += [f"--out-{option}", str(folder / "gathered" / name)]
    assert main(words) == 0
    for name in (*OUTPUTS[:2], "out.vcf.gz.tbi"):
        one, other = whole / name, folder / "gathered" / name
        assert one.exists() == other.exists()
        if one.exists():
            assert one.read_bytes() == other.read_bytes(), name
    assert summary_of(whole / "out.json") == summary_of(folder / "gathered" / "out.json")
    assert ("no index" in capfd.readouterr().err) == (not order)


def test_gather_refuses_parts_that_are_not_one_run(made, small_chunks, capfd):
    folder, models, genome = made
    vcf = write_vcf(folder / "in.vcf", draw_records(60, 2))
    for number in (1, 2):
        assert run_variants(folder, models, vcf, genome, "--part", f"{number}/2") == 0
        shutil.move(folder / "out.json", folder / f"{number}.json")
    assert run_variants(folder, models, vcf, genome, "--part", "2/2", "--mismatch", "flip") == 0
    shutil.move(folder / "out.json", folder / "flip.json")
    assert run_variants(folder, models, vcf, genome) == 0
    capfd.readouterr()

    def gather(*names):
        words = ["gather", "--summaries", *(str(folder / f"{name}.json") for name in names)]
        code = main([*words, "--out-summary", str(folder / "all.json")])
        return code, capfd.readouterr().err

    for names, problem in (
        (("2", "1"), "part 2 of 2 in place 1"),
        (("1",), "part 1 of 2 in place 1 of 1"),
        (("1", "1"), "part 1 of 2 in place 2"),
        (("1", "flip"), "another run: its settings differ"),
        (("out", "2"), "no summary of a part"),
        (("1", "none"), "no such file"),
    ):
        code, text = gather(*names)
        assert code == 2, names
        assert problem in text
        assert not (folder / "all.json").exists()
    assert gather("1", "2")[0] == 0


def test_split_multiallelic_and_padded_records_have_the_same_scores(made):
    folder, models, genome = made
    records = draw_records(40, 3)

    def differences(name, given):
        assert run_variants(folder, models, write_vcf(folder / name, given), genome) == 0
        return [row["diff:one"] for row in read_table(folder / "out.parquet")]

    split = [(*one[:3], alt) for one in records for alt in one[3].split(",")]
    padded = []
    for chrom, pos, ref, alt in split:
        text = CONTIGS[chrom]
        left, right = text[max(pos - 4, 0) : pos - 1], text[pos - 1 + len(ref) :][:2]
        new = alt if set(alt) <= set("ACGT") else ref
        padded.append((chrom, pos - len(left), left + ref + right, left + new + right))
    together = differences("together.vcf", records)
    apart = differences("apart.vcf", split)
    assert None not in together
    assert apart == pytest.approx(together, abs=1e-6)
    # Padded on the left alone an allele trims to the same place; on both sides an insertion
    # or deletion in a repeat may move, so the plain program decides.
    differences("padded.vcf", padded)
    plain = Plain(CONTIGS, make_checkpoint(11), 11)
    rows = read_table(folder / "out.parquet")
    one = read_alone(folder, models[:1], genome, padded)
    assert len(rows) == len(padded)
    for found, record, same in zip(one, padded, split, strict=True):
        wanted = plain.score(*record)
        assert found == pytest.approx(float((wanted.alt - wanted.ref)[0]), abs=1e-5)
        if len(same[2]) == len(same[3]):
            unpadded = plain.score(*same)
            assert found == pytest.approx(float((unpadded.alt - unpadded.ref)[0]), abs=1e-5)


def read_alone(folder, models, genome, records):
    assert run_variants(folder, models, write_vcf(folder / "alone.vcf", records), genome) == 0
    return [row["diff:one"] for row in read_table(folder / "out.parquet")]


def turn(text: str) -> str:
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


@pytest.mark.parametrize("length", [10, 11])
def test_the_other_strand_of_the_genome_gives_mirrored_windows(tmp_path, length):
    """A model that reads both strands, and the genome turned around.

    The windows mirror each other exactly where the changed span and the window are both odd or
    both even; else there is no middle, and the turned window stands one base aside.
    """
    text = draw_contig(300, 5)
    size = len(text)
    records, mirrored = [], []
    for place in range(20, 270, 5):
        for width, alt in ((1, "ACGT"["ACGT".find(text[place]) ^ 1]), (2, "TA"), (2, "C")):
            ref = text[place : place + width]
            if alt[0] == ref[0] or alt[-1] == ref[-1]:
                continue  # trimming starts on the right, whichever strand that is
            records.append(("1", place + 1, ref, alt))
            mirrored.append(("1", size - place - width + 1, turn(ref), turn(alt)))
    models = save(tmp_path, make_checkpoint(length, reverse_complement=True))
    genome = write_genome(tmp_path, {"1": text})
    plus = read_alone(tmp_path, models, genome, records)
    genome = write_genome(tmp_path, {"1": turn(text)})
    minus = read_alone(tmp_path, models, genome, mirrored)
    exact = [len(record[2]) % 2 == length % 2 for record in records]
    assert sum(exact) > 15
    for one, other, same in zip(plus, minus, exact, strict=True):
        if same:
            assert one == pytest.approx(other, abs=1e-6)
    moved = [abs(a - b) for a, b, same in zip(plus, minus, exact, strict=True) if not same]
    assert np.median(moved) > 1e-3  # the test can fail: a base aside is another score
    plain = Plain({"1": turn(text)}, make_checkpoint(length, reverse_complement=True), length)
    for other, record in zip(minus, mirrored, strict=True):
        wanted = plain.score(*record)
        assert other == pytest.approx(float((wanted.alt - wanted.ref)[0]), abs=1e-5)
