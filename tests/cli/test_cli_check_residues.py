"""`check` on labels of residues: rejects by example, labels by fold, embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml

from bioseq_dl.cli.main import main

ROWS = [
    ("a", "train", "MKVLA", "HHEEC", "01111"),
    ("b", "train", "MKVL", "HHC", "0111"),
    ("c", "train", "MKWW", "HHHT", "0111"),
    ("d", "train", "MKVLMM", "HHC", ""),
    ("e", "val", "MKVLAG", "HHEECC", ""),
    ("f", "test", "MKVLW", "HHHHH", "11110"),
]


def check(folder: Path, embedded: dict[str, tuple[int, int]] | None = None, **ingest: Any) -> int:
    text = "id\tfold\tsequence\tq3\tseen\n" + "".join("\t".join(row) + "\n" for row in ROWS)
    (folder / "t.tsv").write_text(text)
    entry = {
        "format": "table",
        "source": {"path": str(folder / "t.tsv")},
        "q3_column": "q3",
        "resolved_column": "seen",
        "split_column": "fold",
    }
    read: dict[str, Any] = {"inputs": [entry], "max_rejected_fraction": 0.5, **ingest}
    if embedded is not None:
        with h5py.File(folder / "e.h5", "w") as file:
            for name, shape in embedded.items():
                file[name] = np.zeros(shape)
        read["embeddings"] = {"source": {"path": str(folder / "e.h5")}, "features": 4}
    run = {
        "task": "protein_residue",
        "targets": {"names": ["q3", "disorder"]},
        "ingest": read,
        "split": {"method": "official", "audit": {"policy": "report"}},
    }
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump({"runs": {"ss": run}}))
    return main(["check", str(config), "--cache", str(folder / "cache")])


def test_the_first_reject_of_each_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path) == 0
    told = capsys.readouterr().out
    assert (
        "first rejected, labels and sequence differ in length: record 'b'; "
        "found '4 residues, 3 of q3'"
    ) in told
    assert "first rejected, letter that is no state: record 'c', residue 4; found 'T'" in told
    assert told.count("first rejected") == 2


def test_labels_of_each_head_by_fold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(tmp_path) == 0
    told = capsys.readouterr().out
    # The residue that is not resolved has no state.
    assert "residues with a label of q3: train 4, val 6, test 4" in told
    assert "residues with a label of disorder: train 5, val 0, test 5" in told
    assert "the head disorder has no label in val: training cannot be judged by it" in told
    assert "the head q3 has no label" not in told


def test_too_many_rejects_have_no_empty_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path, max_rejected_fraction=0.1) == 2
    told = capsys.readouterr().out
    assert "record 'b': 3 of 6 records are rejected" in told


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"a": (5, 4), "e": (6, 4), "f": (5, 4)}, ""),
        ({"a": (5, 4), "f": (5, 4)}, "record 'e': no embedding of a record"),
        (
            {"a": (5, 4), "e": (8, 4), "f": (5, 4)},
            "record 'e': an embedding of another shape; found '8 x 4'; "
            "allowed: 6 residues x 4 features; fix: leave out the model's special tokens",
        ),
        (
            {"a": (5, 8), "e": (6, 8), "f": (5, 8)},
            "fix: set ingest.embeddings.features: 8, or give a file of 4 features",
        ),
        ({"a": (50, 4)}, "fix: compute it from this sequence, 4 numbers a residue"),
    ],
)
def test_embeddings_are_opened(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    shapes: dict[str, tuple[int, int]],
    message: str,
) -> None:
    assert check(tmp_path, shapes) == (2 if message else 0)
    told = capsys.readouterr().out
    assert message in told
    assert ("embeddings of all 3 records" in told) == (not message)
