"""The report's words and tables on homologous proteins."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from bioseq_dl.config import Config, ProteinAudit, Targets
from bioseq_dl.data.audit import audit_folds
from bioseq_dl.data.audit_result import write_audit
from bioseq_dl.report.inputs import RunFiles
from bioseq_dl.report.page import build_report

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))


def draw_records() -> tuple[pa.Table, pa.Table]:
    generator = np.random.default_rng(7)
    one = generator.choice(LETTERS, 300)
    kin = np.where(generator.random(300) < 0.5, generator.choice(LETTERS, 300), one)
    other = generator.choice(LETTERS, 250)
    texts = {"1abc-A": one, "2kin-B": kin, "3val-A": other, "4same-A": other}
    for name in ("5own-A", "6own-A", "7own-A"):
        texts[name] = generator.choice(LETTERS, 200)
    roles = ["test", "train", "val", "train", "train", "val", "test"]
    sequences = ["".join(text) for text in texts.values()]
    records = pa.table({"id": list(texts), "sequence": sequences})
    return records, pa.table({"id": list(texts), "fold0": roles})


def test_homologous_proteins_are_told_as_such(
    made_run: Callable[..., tuple[Config, RunFiles]], tmp_path: Path
) -> None:
    config, files = made_run(Targets(names=("a",), classes=("no", "yes")))
    found = audit_folds(*draw_records(), ProteinAudit(policy="drop", program="builtin"))
    write_audit(tmp_path / "audit.json", tmp_path / "pairs.tsv", found)
    files = replace(files, audit=tmp_path / "audit.json", pairs=tmp_path / "pairs.tsv")
    build_report(config, {"made": files}, tmp_path / "out/report.html")
    text = html.unescape((tmp_path / "out/report.html").read_text())
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))
    assert (
        "homologous proteins (an alignment with 25% identical residues that spans 50% of the "
        "shorter, E-value at most 0.001)"
    ) in plain
    assert "1 of 2 test records had an equal or homologous protein in training" in plain
    assert "Identity Coverage E-value" in plain
    assert re.search(
        r"1abc-A test 2kin-B train homologous protein 0\.5\d \d\.\d\d \d\.\de-\d\d", plain
    )
    assert "3val-A val 4same-A train equal sequence 1.00 1.00 –" in plain
    assert "1 of train (homologous protein)" in plain
    assert "pairs were compared (all of them aligned)." in plain
    for word in ("k-mers", "bases", "reverse complement", "near duplicate"):
        assert word not in plain.split("Split and leakage")[-1].split("Training")[0]
