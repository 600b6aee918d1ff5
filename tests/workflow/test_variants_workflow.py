"""Variants of a protein in the workflow: from their table to a landscape in the report."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from workflow_project import Project

pytestmark = pytest.mark.workflow

WILD_TYPE = "MKLVACDEFGHIKLMN"
LETTERS = "ACDEFGHIKLMNPQRSTVWY"


def write_variants(path: Path) -> None:
    """Write double mutants whose effects add up, one of them with a stop codon."""
    draw = random.Random(0)
    effects = {(place, x): draw.gauss(0, 1) for place in range(16) for x in LETTERS}
    rows = ["variant,score", '"K2R,V4*",0']
    for _ in range(400):
        places = sorted(draw.sample(range(16), 2))
        changes = [(p, draw.choice([x for x in LETTERS if x != WILD_TYPE[p]])) for p in places]
        score = sum(effects[change] for change in changes) + draw.gauss(0, 0.1)
        text = ",".join(f"{WILD_TYPE[p]}{p + 1}{x}" for p, x in changes)
        rows.append(f'"{text}",{score:.4f}')
    path.write_text("\n".join(rows) + "\n")


def variants_run(**changes: Any) -> dict[str, Any]:
    table = {
        "source": {"path": "data/variants.csv"},
        "variant_column": "variant",
        "columns": {"score": "score"},
    }
    run = {
        "task": "protein_fitness",
        "ingest": {"wild_type_sequence": WILD_TYPE, "inputs": [table], "repeats": "mean"},
        "split": {"method": "random", "val_fraction": 0.1, "test_fraction": 0.2},
        "model": {
            "conv": [{"channels": 4, "kernel": 1}],
            "normalisation": "none",
            "pooling": "flatten",
            "dense": [8],
            "wide": {"positional": 1},
        },
        "train": {
            "epochs": 30,
            "batch_size": 64,
            "learning_rate": 0.02,
            "seeds": [1, 2],
            "loss": "both",
            "device": "cpu",
            "precision": "fp32",
        },
        "landscape": {"designs": {"count": 3, "max_mutations": 2, "beam": 20}},
        "evaluate": {"bootstrap": 20},
    }
    return run | changes


def test_a_table_of_variants_to_a_landscape(project: Project) -> None:
    write_variants(project.folder / "data" / "variants.csv")
    project.configure(binder=variants_run())
    done = project.run()
    assert done.returncode == 0, done.stdout
    results = project.folder / "results"
    judged = json.loads((results / "runs/binder/evaluation/metrics.json").read_text())
    predictors = judged["predictors"]
    assert set(predictors) == {"model", "prior", "additive", "blosum"}
    assert predictors["model"]["score"]["spearman"]["value"] > 0.5
    landscape = results / "runs/binder/landscape"
    told = json.loads((landscape / "landscape.json").read_text())["targets"]["score"]
    assert 0.6 < told["coverage"] <= 1
    # No variant is the wild type, nor a single mutant: their gauge is told by the pairs alone.
    singles = pd.read_csv(landscape / "singles.tsv", sep="\t", keep_default_na=False)
    assert len(singles) == 19 * len(WILD_TYPE)
    assert (singles["low"] < singles["value"]).all()
    assert len(pd.read_csv(landscape / "designs.tsv", sep="\t")) == 3
    page = (results / "report" / "report.html").read_text()
    for word in ("Single mutants and designs", "stop codon", "Additive", "landscape-score"):
        assert word in page

    again = project.run()
    assert "Nothing to be done" in again.stdout
    more = variants_run(landscape={"designs": None})
    project.configure(binder=more)
    assert project.planned() == {"landscape", "report", "default"}
