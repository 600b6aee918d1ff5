"""The benchmark of a million variants: what it draws and writes; nothing is timed."""

from __future__ import annotations

import gzip
import importlib.util
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).parents[2] / "benchmarks" / "variants" / "million.py"


@pytest.fixture(scope="module")
def million():
    spec = importlib.util.spec_from_file_location("variants_million", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop(spec.name, None)


@pytest.fixture(scope="module")
def letters():
    codes = np.random.default_rng(3).integers(0, 4, 30_000)
    text = "".join("ACGT"[code] for code in codes)
    return "N" * 1000 + text + "N" * 1000


def test_draws_every_kind_where_the_genome_has_it(million, letters):
    records = million.draw_records(letters, 2000)
    assert len(records) == 2000
    assert records == million.draw_records(letters, 2000)
    positions = [position for position, _, _ in records]
    assert positions == sorted(positions)
    kinds = Counter()
    mismatches = 0
    for position, ref, alt in records:
        found = letters[position - 1 : position - 1 + len(ref)]
        mismatches += ref.upper() != found
        if "," in alt:
            kinds["several"] += 1
        elif set(alt) <= set("ACGT") and set(ref) <= set("ACGT"):
            assert ref != alt
            kinds[(len(ref) > len(alt)) - (len(ref) < len(alt))] += 1
        else:
            kinds[alt] += 1
    assert mismatches == million.ODD_EACH
    assert kinds["<DEL>"] == kinds["."] == million.ODD_EACH
    assert min(kinds[0], kinds[1], kinds[-1], kinds["several"]) > 20
    assert max(len(ref) for _, ref, _ in records) > million.LENGTH


def test_the_vcf_holds_them_all_and_two_more(million, letters, tmp_path):
    count = million.write_vcf(tmp_path / "some.vcf", "20", letters, 500)
    assert count == million.count_records(tmp_path / "some.vcf.gz") == 502
    with gzip.open(tmp_path / "some.vcf.gz", "rt") as handle:
        rows = [line.rstrip("\n").split("\t") for line in handle if not line.startswith("#")]
    assert all(len(row) == 8 for row in rows)
    assert int(rows[-2][1]) > len(letters)
    assert rows[-1][0] == "nowhere"


def test_the_table_judges_the_larger_run(million):
    summary = {"alleles": 11, "statuses": {"scored": 10, "star": 1}, "classes": {"SNV": 10}}
    runs = [million.Run("first", 2.0, 2.5, summary), million.Run("again", 1.0, 1.5, summary)]
    lines = million.format_table(runs, 10, 2).splitlines()
    assert any("2.50 (NOT met)" in line for line in lines)
    header, first, again = (line.split("\t") for line in lines[-3:])
    assert dict(zip(header, again, strict=True))["records_per_second"] == "10"
    assert first[0] == "first"


def test_says_why_it_is_skipped(million, monkeypatch, tmp_path, capsys):
    out = tmp_path / "table.tsv"
    monkeypatch.setattr(
        sys, "argv", ["million.py", "--genome", str(tmp_path / "no.fa.xz"), "--out", str(out)]
    )
    assert million.main() == 0
    assert "skipped" in capsys.readouterr().out
    assert not out.exists()
