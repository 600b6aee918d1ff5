"""What the sections of a run must agree on, whatever the task."""

from __future__ import annotations

from typing import Any

from bioseq_dl.config.train import METRICS_OF_KIND

RUN_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"


def check_labels(run: Any) -> None:
    """Compare the inputs' labels and folds with targets and split."""
    if run.targets.per_residue:
        raise ValueError("targets.kind residues needs task protein_residue")
    for place, entry in enumerate(run.ingest.inputs):
        where = f"ingest.inputs[{place}]"
        unknown = sorted((set(entry.labels) | set(entry.columns)) - set(run.targets.names))
        if unknown:
            names = ", ".join(run.targets.names)
            raise ValueError(f"{where} labels unknown targets {unknown}; targets: {names}")
        official = entry.split is not None or entry.split_column is not None
        if run.split.method == "official" and not official:
            raise ValueError(f"{where} has no split or split_column, which method official needs")


def check_loss(run: Any) -> None:
    """Compare loss and kind of target."""
    if run.train.loss != "default" and run.targets.kind != "regression":
        raise ValueError(f"train.loss {run.train.loss} needs targets.kind regression")


def check_published(run: Any) -> None:
    """Compare the figures of the literature with metrics and targets."""
    metrics = METRICS_OF_KIND[run.targets.kind]
    for place, figure in enumerate(run.published):
        where = f"published[{place}]"
        # Of residues a metric may be of one state: recall:H.
        metric = figure.metric.partition(":")[0] if run.targets.per_residue else figure.metric
        if metric not in metrics:
            allowed = ", ".join(metrics)
            raise ValueError(f"{where}: unknown metric {figure.metric!r}; allowed: {allowed}")
        if figure.target is not None and figure.target not in run.targets.labels:
            allowed = ", ".join(run.targets.labels)
            raise ValueError(f"{where}: unknown target {figure.target!r}; targets: {allowed}")


def check_targets(where: str, asked: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Compare targets asked for with those there are."""
    unknown = [name for name in asked if name not in names]
    if unknown:
        allowed = ", ".join(names)
        raise ValueError(f"{where}.targets: unknown target {unknown[0]!r}; targets: {allowed}")
