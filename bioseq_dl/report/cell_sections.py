"""Sections of a run on cells, where they differ from those of other runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from bioseq_dl.report.figures import draw_error_rates, draw_performance
from bioseq_dl.report.figures_of_cells import draw_anomaly, draw_maps, draw_unknown
from bioseq_dl.report.inputs import RunResults
from bioseq_dl.report.sections import Section
from bioseq_dl.report.tables import (
    tabulate_calibration,
    tabulate_errors,
    tabulate_metrics,
    tabulate_published,
    tabulate_targets,
)
from bioseq_dl.report.tables_of_cells import (
    name_outliers,
    tabulate_anomaly,
    tabulate_classes,
    tabulate_embedding,
    tabulate_labels,
    tabulate_quality,
    tabulate_removed,
    tabulate_unknown,
)
from bioseq_dl.report.tables_of_steps import tabulate_inputs
from bioseq_dl.report.words import say_count, say_number, say_share, tell_calibration

T = TypeVar("T")
_VALUES = {
    "counts": "counts",
    "normalised": "normalised values",
    "logged": "logarithms",
}


def tell_results(run: RunResults) -> Section:
    """Tell how well each class, or value, is predicted."""
    tables = [
        tabulate_metrics(run),
        tabulate_targets(run),
        tabulate_published(run),
        *tabulate_classes(run),
        tabulate_calibration(run),
    ]
    told = _given([tell_calibration(run.metrics)])
    return Section("results", "Results", told, _given(tables), list(draw_performance(run)))


def tell_data(run: RunResults) -> Section:
    """Tell what was read, which cells were left out, and why."""
    ingest = run.ingest
    title = "Data and quality control"
    if ingest is None:
        return Section("data", title, ["Not recorded: there is no ingest.json."], [], [])
    rejected = ingest["rejected"]
    told = [
        f"{say_count(ingest['records'])} cells by {say_count(ingest['genes'])} genes; "
        f"{say_count(rejected['read'])} cells were read, {say_count(rejected['total'])} of them "
        "left out. "
        f"The numbers are {_VALUES[ingest['values']]}; "
        f"{say_share(ingest['stored'], ingest['records'] * ingest['genes'])} of them are not 0."
    ]
    if ingest["missing"]:
        share = say_share(ingest["missing"], ingest["records"] * ingest["genes"])
        told.append(f"{say_count(ingest['missing'])} values ({share}) are missing.")
    kept = [
        f"{say_count(ingest[key])} {name}"
        for key, name in (("groups", "groups"), ("batches", "batches"))
        if ingest[key]
    ]
    if kept:
        told.append(f"They come from {' and '.join(kept)}.")
    told += ingest.get("notes", [])
    tables = [
        tabulate_inputs(ingest),
        tabulate_removed(ingest),
        tabulate_quality(ingest),
        tabulate_labels(run, ingest),
    ]
    return Section("data", title, told, _given(tables), [])


def tell_errors(run: RunResults) -> list[Section]:
    """Tell which cells are unknown, what the embedding is worth, and where the model errs."""
    sections = [_tell_unknown(run), _tell_embedding(run), _tell_anomaly(run)]
    picture, table = draw_error_rates(run), tabulate_errors(run)
    told = [] if picture or table else ["No mistakes are recorded."]
    errors = Section("errors", "Where the model errs", told, _given([table]), _given([picture]))
    return [*_given(sections), errors]


def _tell_unknown(run: RunResults) -> Section | None:
    if run.metrics["unknown"] is None:
        return None
    keep = run.metrics["settings"]["keep"]
    stated = "calibrated probability" if run.metrics["calibration"] else "probability"
    told = [
        f"A cell is called unknown where the {stated} of its class is below a threshold: the "
        f"largest that keeps {keep:.0%} of the rightly classified validation cells. Test cells "
        "had no part in it. They are of the same classes, so this is no measure of how many cells "
        "of a class that was never seen would be caught."
    ]
    tables = tabulate_unknown(run)
    return Section("unknown", "The class unknown", told, tables, _given([draw_unknown(run)]))


def _tell_embedding(run: RunResults) -> Section | None:
    found = run.metrics["embedding"]
    picture = draw_maps(run)
    if found is None:
        told = ["What an embedding is worth is measured by classes alone."] if picture else []
        return Section("embedding", "Embedding", told, [], _given([picture])) if picture else None
    told = [f"The network gives each cell {found['dimensions']['model']} numbers"]
    if "pca" in found["predictors"]:
        told[0] += (
            f"; beside them stand {found['dimensions']['pca']} principal components of the same "
            "genes, fitted on the same training cells."
        )
    else:
        told[0] += "."
    told[0] += (
        " A network that learnt the classes of the training cells knows more than PCA does, which "
        "has not seen them: what it gains may be just that."
    )
    if len(run.metrics["targets"]) > 1:
        told.append(f"Classes are those of {found['target']}.")
    tables = [tabulate_embedding(run)]
    return Section("embedding", "Embedding", told, tables, _given([picture]))


def _tell_anomaly(run: RunResults) -> Section | None:
    found = run.metrics["anomaly"]
    if found is None:
        return None
    kinds = found["kinds"]
    whole = kinds["all"] if "all" in kinds else next(iter(kinds.values()))
    told = [
        f"Outliers made of test cells are told from the {say_count(found['test'])} test cells by "
        f"the error of their reconstruction: AUROC {say_number(whole['auroc']['value'])}. Each "
        "model ranks its own cells; areas and curves are the mean."
    ]
    told += [
        f"Of {name_outliers(kind)} the error is smaller than of test cells: they are not found."
        for kind, item in kinds.items()
        if kind != "all" and (item["auroc"]["high"] or 1) < 0.5
    ]
    tables = [tabulate_anomaly(run)]
    return Section("anomaly", "Anomalies", told, tables, _given([draw_anomaly(run)]))


def _given(items: Iterable[T | None]) -> list[T]:
    return [item for item in items if item]
