"""``split`` on proteins: homologs across folds stop the command, are dropped, or stay together."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from bioseq_dl.cli.main import main

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))


@pytest.fixture
def split(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """Run fetch, ingest and split with these settings; give exit code, roles and stderr."""
    generator = np.random.default_rng(1)
    one = generator.choice(LETTERS, 200)
    half = np.where(np.arange(200) % 2 == 0, one, generator.choice(LETTERS, 200))
    proteins = {"1abc-A": one, "2kin-A": half}
    proteins |= {f"{n}own-A": generator.choice(LETTERS, 150) for n in range(3, 9)}
    folds = ["test", "train", "train", "valid", "test", "train", "valid", "train"]
    lines = []
    for (name, letters), fold in zip(proteins.items(), folds, strict=True):
        states = ("HEC" * len(letters))[: len(letters)]
        lines.append(f"{name}\t{''.join(letters)}\t{states}\t{fold}")
    (tmp_path / "t.tsv").write_text("\n".join(["id\tsequence\tq3\tfold", *lines]) + "\n")

    def run(method: str = "official", **audit: object) -> tuple[int, dict[str, str], str]:
        source = {"path": str(tmp_path / "t.tsv")}
        entry = {"format": "table", "source": source, "q3_column": "q3", "split_column": "fold"}
        config = {
            "task": "protein_residue",
            "ingest": {"inputs": [entry]},
            "targets": {"names": ["q3"]},
            "split": {"method": method, "audit": {"program": "builtin"} | audit},
        }
        (tmp_path / "c.yaml").write_text(yaml.safe_dump({"runs": {"ss": config}}))
        first = ["--config", str(tmp_path / "c.yaml"), "--run", "ss"]
        cache = ["--cache", str(tmp_path / "cache")]
        sources, records = str(tmp_path / "s.json"), str(tmp_path / "r.parquet")
        assert main(["fetch", *first, *cache, "--out", sources]) == 0
        out = ["--records", records, "--rejected", str(tmp_path / "x.tsv")]
        out += ["--summary", str(tmp_path / "i.json")]
        assert main(["ingest", *first, *cache, "--sources", sources, *out]) == 0
        out = ["--folds", str(tmp_path / "f.parquet"), "--audit", str(tmp_path / "a.json")]
        out += ["--pairs", str(tmp_path / "p.tsv"), "--threads", "2"]
        capfd.readouterr()
        code = main(["split", *first, "--records", records, *out])
        roles = {}
        if code == 0:
            found = pq.read_table(tmp_path / "f.parquet")
            roles = dict(zip(*(found[name].to_pylist() for name in ("id", "fold0")), strict=True))
        return code, roles, capfd.readouterr().err

    return run


def test_a_homolog_in_training_stops_the_run(split, tmp_path: Path) -> None:
    code, _, text = split()
    assert code == 2
    assert "1 of 2 test records of fold 0 also stand in train or val (1 near in train)" in text
    assert "worst pair: 1abc-A (test) and 2kin-A (train), near, identity 0.5" in text
    assert "Traceback" not in text
    assert not (tmp_path / "f.parquet").exists()


def test_drop_takes_the_training_protein(split, tmp_path: Path) -> None:
    code, roles, _ = split(policy="drop")
    assert code == 0
    assert [name for name, role in roles.items() if role == "drop"] == ["2kin-A"]
    assert roles["1abc-A"] == "test"
    with (tmp_path / "p.tsv").open() as handle:
        [row] = csv.DictReader(handle, delimiter="\t")
    assert (row["id"], row["other_id"]) == ("1abc-A", "2kin-A")
    assert 0.5 <= float(row["identity"]) < 0.6
    audit = json.loads((tmp_path / "a.json").read_text())
    assert audit["near_search"] == "identity"
    assert [item["remaining"] for item in audit["leaking"]] == [0, 0]


def test_the_homology_split_keeps_them_together(split) -> None:
    code, roles, _ = split(method="homology")
    assert code == 0
    assert roles["1abc-A"] == roles["2kin-A"]
    assert set(roles.values()) == {"train", "val", "test"}
