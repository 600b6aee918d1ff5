"""Every class of variant against a plain program that edits the genome's text."""

from __future__ import annotations

import random

import numpy as np
import pytest
from plain_reference import Plain, make_checkpoint, save
from scored_files import draw_contig, read_table, read_vcf, run_variants, write_genome, write_vcf

CONTIGS = {
    "1": draw_contig(90, 1) + "NNN" + draw_contig(60, 2),
    "2": draw_contig(40, 3),
    "3": draw_contig(70, 4),
}


def other(base: str, step: int = 1) -> str:
    return "ACGT"[("ACGT".find(base) + step) % 4]


def draw_records(seed: int) -> list[tuple]:
    """All kinds of alleles, overlapping, multi-allelic and repeated, and where it is narrow."""
    draw = random.Random(seed)
    text = CONTIGS["1"]
    records = []
    places = [*range(8), 30, *range(84, 98), *range(len(text) - 8, len(text))]
    places += [draw.randrange(len(text)) for _ in range(40)]
    for place in places:
        base = text[place]
        long = text[place : place + draw.choice((2, 3, 5, 9))]
        letters = "".join(draw.choices("ACGT", k=draw.choice((1, 2, 4, 10))))
        records += [
            ("1", place + 1, base, ",".join(b for b in "ACGT" if b != base)),
            ("1", place + 1, base, base + letters),
            ("1", place + 1, long, long[0]),
            ("1", place + 1, long, letters),
            ("1", place + 1, long, "".join(draw.choices("ACGT", k=len(long)))),
            ("1", place + 1, long.lower(), long[0].lower() + "," + long + "a,*,<DEL>," + letters),
        ]
    base = text[40]
    long = text[40:60]
    records += [
        ("1", 41, base, other(base)),
        ("1", 41, base, other(base)),
        ("1", 41, base, "."),
        ("1", 41, base, base),
        ("1", 41, base, f"{base}[2:5["),
        ("1", 41, base, f"]2:5]{base}"),
        ("1", 41, base, f".{base}"),
        ("1", 41, base, "N"),
        ("1", 41, base, base + "N" * 6),
        ("1", 41, "N", "A"),
        ("1", 41, other(base), base),
        ("1", 41, other(base), other(base, 2)),
        ("1", 41, other(base), f"{base},{other(base, 2)},{base}A,<INS>"),
        ("1", 41, text[40] + other(text[41]) + text[42], text[40:43]),
        ("1", 41, other(base) + "A", text[40:43]),
        ("1", 41, text[40:42] + other(text[42]), base),
        ("1", 41, base, base + text[41:60]),
        ("1", 41, base, base + draw_contig(40, 9)),
        ("1", 41, long, base),
        ("1", 41, long, draw_contig(20, 10)),
        ("1", 41, text[40:75], text[40]),
        ("2", 1, CONTIGS["2"][0], other(CONTIGS["2"][0])),
        ("2", 40, CONTIGS["2"][39], CONTIGS["2"][39] + "ACGT"),
        ("2", 40, CONTIGS["2"][39] + "A", "A"),
        ("2", 41, "A", "C"),
        ("2", 4100, "A", "C"),
        ("un", 1, "A", "C"),
        ("chr3", 20, CONTIGS["3"][19], other(CONTIGS["3"][19])),
    ]
    return records


@pytest.fixture
def compare(tmp_path):
    """Run the command and the plain program; give what the command wrote."""

    def run(length, records, checkpoints, *words, mismatch="skip", max_unknown=0.2):
        genome = write_genome(tmp_path, CONTIGS)
        vcf = write_vcf(tmp_path / "in.vcf", records)
        models = save(tmp_path, *checkpoints)
        words += ("--mismatch", mismatch, "--max-unknown-fraction", str(max_unknown))
        assert run_variants(tmp_path, models, vcf, genome, *words) == 0
        header, found = read_vcf(tmp_path / "out.vcf.gz")
        inputs = vcf.read_text().splitlines()
        assert [line for line in header if not line.startswith(("##INFO", "##bioseq_dl"))] == [
            line for line in inputs if line.startswith("#")
        ]
        assert len(found) == len(records)
        plains = [
            Plain(CONTIGS, checkpoint, length, mismatch, max_unknown) for checkpoint in checkpoints
        ]
        rows = iter(read_table(tmp_path / "out.parquet"))
        for number, (record, entry) in enumerate(zip(records, found, strict=True)):
            chrom, pos, ref, alts = record[:4]
            # All other fields are untouched.
            assert entry.fields[:7] == [chrom, str(pos), f"v{number}", ref, alts, ".", "PASS"]
            name = chrom if chrom in CONTIGS else chrom.removeprefix("chr")
            for allele, alt in enumerate(alts.split(",")):
                scores = [plain.score(name, pos, ref, alt) for plain in plains]
                row = next(rows)
                status = scores[0].status
                assert entry.statuses[allele] == status, (record, alt)
                told = (row["record"], row["allele"], row["chrom"], row["start"], row["status"])
                assert told == (number, allele, chrom, pos - 1, status)
                check_values(entry, row, allele, scores)
        assert next(rows, None) is None
        return found

    return run


def check_values(entry, row, allele, scores):
    refs = [score.ref for score in scores]
    if refs[0] is None:
        assert row["diff:one"] is None
        key = "BDL_one_DIFF"
        assert key not in entry.info or entry.values(key)[allele] is None
        return
    alts = [score.alt for score in scores]
    wanted = {
        "REF": np.mean(refs, axis=0),
        "ALT": np.mean(alts, axis=0),
        "DIFF": np.mean(np.subtract(alts, refs), axis=0),
    }
    if len(scores) > 1:
        wanted["SD"] = np.std(np.subtract(alts, refs), axis=0, ddof=1)
    for place, target in enumerate(("one", "two")):
        for kind, values in wanted.items():
            in_table = row[f"{kind.lower()}:{target}"]
            assert in_table == pytest.approx(values[place], abs=1e-5), (entry.fields, allele)
            in_vcf = entry.values(f"BDL_{target}_{kind}")[allele]
            assert in_vcf == pytest.approx(in_table, rel=6e-6)


@pytest.mark.parametrize("length", [12, 13])
@pytest.mark.parametrize("mismatch", ["skip", "flip"])
def test_all_classes_score_as_the_plain_program(compare, length, mismatch):
    found = compare(length, draw_records(1), [make_checkpoint(length)], mismatch=mismatch)
    seen = {status for record in found for status in record.statuses}
    every = {"scored", "ref_mismatch", "symbolic", "breakend", "star", "no_alt", "no_contig"}
    every |= {"beyond_contig", "longer_than_window", "unknown_bases"}
    assert seen == every | ({"flipped"} if mismatch == "flip" else set())


def test_several_models_both_strands_and_uniform_unknown(compare):
    checkpoints = [
        make_checkpoint(15, seed=seed, unknown="uniform", reverse_complement=True)
        for seed in range(3)
    ]
    compare(15, draw_records(2), checkpoints)


def test_any_window_for_a_network_without_places(compare):
    checkpoint = make_checkpoint(None, pooling="max")
    compare(21, draw_records(3), [checkpoint], "--window", "21", max_unknown=0.5)


def test_windows_longer_than_a_contig(compare):
    compare(61, draw_records(4)[-40:], [make_checkpoint(61)], max_unknown=0.9)
