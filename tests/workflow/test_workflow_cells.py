"""Cells and sequences in one workflow: each takes the rules of its kind."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from workflow_project import Project

from bioseq_dl.config import validate_config
from bioseq_dl.layout import stage_folder

pytestmark = pytest.mark.workflow


def test_cells_and_sequences_take_the_rules_of_their_kind(
    project: Project, make_run: Callable[..., dict[str, Any]]
) -> None:
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
    cells = {
        "task": "expression",
        "targets": {"kind": "multiclass", "names": ["type"], "classes": ["T", "B"]},
        "ingest": {"inputs": [entry]},
        "split": {"folds": 2},
    }
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
