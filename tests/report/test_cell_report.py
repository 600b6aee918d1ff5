"""The report of a run on cells."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_cells import TYPES, make_cells
from made_saliency import write_saliency

from bioseq_dl.config import Config, Targets, validate_config
from bioseq_dl.data.audit_result import write_audit
from bioseq_dl.data.splits import split_records
from bioseq_dl.evaluate.cells import evaluate_cells
from bioseq_dl.evaluate.tables import write_evaluation
from bioseq_dl.io.atomic import write_json
from bioseq_dl.io.expression import read_expression
from bioseq_dl.io.manifest import Fetched, hash_file, source_key
from bioseq_dl.report.inputs import RunFiles
from bioseq_dl.report.page import build_report
from bioseq_dl.report.summary import summarise

OF_SEQUENCES = r"\b(bp|bases?|GC|length|letters?|k-mers?|sequences?|nucleotides?)\b"


@pytest.fixture
def make_report(
    tmp_path: Path, write_predictions: Callable[..., None]
) -> Callable[..., tuple[str, Path]]:
    """A function that ingests made-up counts, judges made-up predictions, writes the page."""

    def make(targets: Targets, **options: Any) -> tuple[str, Path]:
        made = make_cells(tmp_path, write_predictions, targets, **options)
        config = describe_run(tmp_path, targets, made.truth[:, 0])
        run = config.runs["cells"]
        (entry,) = run.ingest.inputs
        path = Path(str(entry.source.path))
        files = {source_key(entry.source): Fetched(str(path), hash_file(path), 1)}
        ingested = read_expression(run.ingest, targets, files, tmp_path / "cache")
        write_json(tmp_path / "ingest.json", ingested.summary)
        result = split_records(ingested.records, run.split, targets)
        write_audit(tmp_path / "audit.json", tmp_path / "audit_pairs.tsv", result)
        found = evaluate_cells(
            made.models, made.baselines, targets, run.evaluate, records=made.records
        )
        write_evaluation(tmp_path / "evaluation", found)
        given = RunFiles(
            metrics=tmp_path / "evaluation/metrics.json",
            ingest=tmp_path / "ingest.json",
            audit=tmp_path / "audit.json",
            pairs=tmp_path / "audit_pairs.tsv",
            saliency=tmp_path / "saliency",
        )
        out = tmp_path / "report.html"
        build_report(config, {"cells": given}, out)
        assert all(summarise(found.summary))
        return out.read_text(), tmp_path

    return make


def describe_run(folder: Path, targets: Targets, truth: np.ndarray) -> Config:
    generator = np.random.default_rng(2)
    cells = len(truth)
    counts = generator.poisson(generator.gamma(1, 2, 40), (cells, 40))
    counts[5] = counts[4]
    counts[6] = 0
    table = pd.DataFrame(counts, columns=["MT-CO1", *(f"GENE{i}" for i in range(39))])
    table.insert(0, "cell", [f"cell{i}" for i in range(cells)])
    if targets.kind == "multiclass":
        table["label"] = [targets.classes[int(code)] for code in truth]
    else:
        table["label"] = truth
    table["donor"] = [f"d{i % 3}" for i in range(cells)]
    table.to_csv(folder / "counts.csv", index=False)
    source = {"path": str(folder / "counts.csv")}
    entry = {"format": "table", "rows": "samples", "source": source, "group_column": "donor"}
    run = {
        "task": "expression",
        "targets": targets.model_dump(mode="json"),
        "ingest": {
            "inputs": [entry | {"columns": {targets.names[0]: "label"}}],
            "quality": {"max_mitochondrial": 0.02},
        },
        "split": {"audit": {"policy": "drop"}, "folds": 2},
        "evaluate": {"bootstrap": 50, "drawn": 120},
    }
    return validate_config({"title": "Cells", "runs": {"cells": run}})


def read_text(page: str) -> str:
    """What a reader sees, without the methods of all tasks, the config and the style."""
    page = page[: page.index('<h2 id="methods"')]
    page = re.sub(r"<(style|pre|svg).*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", " ", page)


def test_a_page_of_ten_types(make_report: Callable[..., tuple[str, Path]], tmp_path: Path) -> None:
    targets = Targets(kind="multiclass", names=("cell_type",), classes=TYPES)
    write_saliency(tmp_path / "saliency", list(TYPES[1:]))
    page, folder = make_report(targets)
    heads = re.findall(r'<h3 id="cells-(\w+)"', page)
    assert heads == [
        *("results", "data", "split", "training", "unknown", "embedding", "anomaly", "errors"),
        *("saliency", "provenance"),
    ]
    text = read_text(page)
    assert not re.findall(OF_SEQUENCES, text, flags=re.IGNORECASE)
    assert "no value other than 0" in text
    assert "more mitochondrial counts than max_mitochondrial" in text
    assert "cells that are equal, number by number" in text
    assert "neighbours on PCA" in text
    for name in TYPES:
        assert name in text
    figures = {path.stem for path in (folder / "figures/cells").iterdir()}
    assert {"confusion", "unknown", "umap", "anomaly", "error_rates"} <= figures
    assert {"saliency", "layout"} <= figures
    for curve in ("roc", "pr"):  # ten classes are told apart
        svg = (folder / f"figures/cells/{curve}.svg").read_text()
        assert all(name in svg for name in TYPES)
    # Of a gene's name only what the page sets itself is markup.
    assert '<b class="whole">&lt;NA&amp;&gt;</b>' in page
    assert f"fewer than two training cells: {TYPES[0]}." in text
    # Two names that begin alike stay apart on the axes.
    svg = (folder / "figures/cells/confusion.svg").read_text()
    assert "CD8+/CD45RA+ Naive Cytotoxic" in svg
    assert "CD4+/CD45RO+ Memory" in svg


def test_a_page_of_values(make_report: Callable[..., tuple[str, Path]]) -> None:
    page, folder = make_report(Targets(kind="regression", names=("age",)))
    text = read_text(page)
    assert not re.findall(OF_SEQUENCES, text, flags=re.IGNORECASE)
    assert 'id="cells-anomaly"' in page
    assert 'id="cells-unknown"' not in page
    assert (folder / "figures/cells/umap.svg").exists()


def test_a_page_of_two_classes_without_embedding(
    make_report: Callable[..., tuple[str, Path]],
) -> None:
    targets = Targets(kind="binary", names=("sick",))
    page, _ = make_report(targets, decoder=False, embeddings=False)
    assert 'id="cells-unknown"' in page
    assert 'id="cells-embedding"' not in page
    assert 'id="cells-anomaly"' not in page


def test_a_score_that_finds_nothing_is_said_to(
    make_report: Callable[..., tuple[str, Path]],
) -> None:
    targets = Targets(kind="binary", names=("sick",))
    page, _ = make_report(targets, embeddings=False, doublets=0.4)
    text = read_text(page)
    assert "Of two cells in one the error is smaller than of test cells" in text
    assert "Of values at other genes" not in text
