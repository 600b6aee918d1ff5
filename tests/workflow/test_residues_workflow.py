"""Labels of residues in the workflow: from their table to the report."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from workflow_project import Project

pytestmark = pytest.mark.workflow

LETTERS = {"H": "AELKMQ", "E": "VIYFWT", "C": "GPNDSR"}
"""Residues that each planted state is made of, with some noise."""


def write_proteins(path: Path) -> None:
    """Write chains of planted states, some with an unresolved tail, one with a bad letter."""
    draw = random.Random(0)
    rows = ["id\tsequence\tss\tseen", "bad\tMKL*A\tHHHHH\t11111"]
    for number in range(60):
        states = "".join(draw.choice("HEC") * draw.randint(4, 12) for _ in range(6))
        sequence = "".join(
            draw.choice(LETTERS[state] if draw.random() < 0.8 else "ACDEFGHIKLMNPQRSTVWY")
            for state in states
        )
        tail = draw.randint(0, 3)
        seen = "1" * (len(states) - tail) + "0" * tail
        rows.append(f"p{number}\t{sequence}\t{states}\t{seen}")
    path.write_text("\n".join(rows) + "\n")


def residues_run(**train: Any) -> dict[str, Any]:
    table = {
        "format": "table",
        "source": {"path": "data/proteins.tsv"},
        "q3_column": "ss",
        "resolved_column": "seen",
    }
    return {
        "task": "protein_residue",
        "targets": {"names": ["q3", "disorder"]},
        "ingest": {"inputs": [table]},
        # Chains of few letters look like relatives.
        "split": {"method": "random", "audit": {"search": "kmers", "policy": "report"}},
        "model": {"conv": [{"channels": 16, "kernel": 7}], "scales": ["properties"]},
        "train": {
            "epochs": 5,
            "batch_size": 8,
            "learning_rate": 0.02,
            "seeds": [1],
            "threads": 1,
            "device": "cpu",
            "precision": "fp32",
        }
        | train,
        "baselines": {"window": 5, "window_residues": 1000},
        "evaluate": {"bootstrap": 20},
    }


def test_a_table_of_labels_to_a_report(project: Project) -> None:
    write_proteins(project.folder / "data" / "proteins.tsv")
    project.configure(structure=residues_run())
    done = project.run()
    assert done.returncode == 0, done.stdout
    results = project.folder / "results"
    judged = json.loads((results / "runs/structure/evaluation/metrics.json").read_text())
    predictors = judged["predictors"]
    assert set(predictors) == {"model", "prior", "window"}
    accuracy = {name: found["q3"]["accuracy"]["value"] for name, found in predictors.items()}
    assert accuracy["model"] > 0.6 > accuracy["prior"]
    rejected = next((results / "data").glob("*/rejected.tsv")).read_text()
    assert "\tbad\t" in rejected
    page = (results / "report" / "report.html").read_text()
    for word in ("structure", "SOV", "isorder", "window"):
        assert word in page

    again = project.run()
    assert "Nothing to be done" in again.stdout
    project.configure(structure=residues_run(learning_rate=0.01))
    planned = project.planned()
    assert planned >= {"train", "predict", "evaluate", "report"}
    assert not planned & {"fetch", "ingest", "split", "encode", "baseline"}
