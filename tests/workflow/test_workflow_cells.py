"""Cells and sequences in one workflow: each takes the rules of its kind."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import anndata
import pytest
from workflow_project import Project

from bioseq_dl.config import validate_config
from bioseq_dl.layout import stage_folder

pytestmark = pytest.mark.workflow


SMALL: dict[str, Any] = {
    "title": "Cells by pictures",
    "encode": {"layout": {"kind": "pca"}},
    "model": {"kind": "cnn2d", "stem": {"channels": 4}, "stages": [], "grid": 2},
    "train": {"epochs": 2, "batch_size": 16},
    "baselines": {"logistic": False, "pca": None, "forest": False},
    "split": {"folds": 1},
    "evaluate": {"bootstrap": 20, "drawn": 0},
    "saliency": {"test": "t-test"},
}


def write_cells(project: Project) -> dict[str, Any]:
    """Write a table of cells; give a run that reads it."""
    draw = random.Random(0)
    rows = [
        f"c{number},{'TB'[number % 2]},"
        + ",".join(str(draw.randrange(9) * (1 + number % 2)) for _ in range(30))
        for number in range(60)
    ]
    head = "id,type," + ",".join(f"g{number}" for number in range(30))
    (project.folder / "data" / "cells.csv").write_text("\n".join([head, *rows]) + "\n")
    entry = {
        "format": "table",
        "rows": "samples",
        "source": {"path": "data/cells.csv"},
        "columns": {"type": "type"},
    }
    return {
        "task": "expression",
        "targets": {"kind": "multiclass", "names": ["type"], "classes": ["T", "B"]},
        "ingest": {"inputs": [entry]},
        "split": {"folds": 2},
    }


def test_cells_and_sequences_take_the_rules_of_their_kind(
    project: Project, make_run: Callable[..., dict[str, Any]]
) -> None:
    cells = write_cells(project)
    places = "".join(f"g{number},{number // 6},{number % 6}\n" for number in range(30))
    (project.folder / "data" / "places.csv").write_text(f"gene,row,column\n{places}")
    layout = {"kind": "file", "source": {"path": "data/places.csv"}}
    placed = cells | {"encode": {"layout": layout}}
    runs = {"dna": make_run(), "cells": cells, "placed": placed}
    project.configure(**runs)
    config = validate_config({"runs": runs})
    folders = {
        name: [stage_folder("results", config.runs[name], stage) for stage in ("ingest", "encode")]
        for name in runs
    }
    wanted = [f"{folders[name][1]}/examples.safetensors" for name in runs]
    done = project.run(*wanted)
    assert done.returncode == 0, done.stdout
    # Cells are ingested once; a layout that is given is fetched for the run that reads it.
    counts = {"ingest": 1, "encode": 1, "ingest_matrix": 1, "encode_matrix": 2, "fetch_encoded": 1}
    for rule, count in counts.items():
        assert done.stdout.count(f"rule {rule}:") == count
    for name, has in (("dna", False), ("cells", True), ("placed", True)):
        ingested, encoded = (project.folder / folder for folder in folders[name])
        assert (ingested / "matrix.safetensors").is_file() is has
        assert (encoded / "transforms" / "fold1.json").is_file() is has
    for name, has in (("cells", False), ("placed", True)):
        transform = project.folder / folders[name][1] / "transforms" / "fold0.json"
        assert ("layout" in json.loads(transform.read_text())) is has
    assert "Nothing to be done" in project.run(*wanted).stdout


def test_cells_go_the_whole_road(project: Project) -> None:
    runs = {"cells": write_cells(project) | SMALL}
    project.configure(**runs)
    done = project.run()
    assert done.returncode == 0, done.stdout
    for rule in ("ingest_matrix", "encode_matrix", "predict_cells", "saliency", "annotate"):
        assert done.stdout.count(f"rule {rule}:") == 1
    assert "rule predict:" not in done.stdout
    results = project.folder / "results"
    assert "Cells by pictures" in (results / "report" / "report.html").read_text()
    cells = anndata.read_h5ad(results / "runs" / "cells" / "cells.h5ad")
    assert set(cells.obs["predicted_type"]) <= {"T", "B", "unknown"}
    assert "Nothing to be done" in project.run().stdout
    runs["cells"]["saliency"] = {"test": "t-test", "top": 5}
    project.configure(**runs)
    again = project.run("--dry-run")
    assert again.stdout.count("rule saliency:") == 1
    assert "rule train:" not in again.stdout
