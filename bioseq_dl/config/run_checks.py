"""What the sections of a run must agree on, whatever the task."""

from __future__ import annotations

from typing import Any

from bioseq_dl.config.heads import list_metrics
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


def check_preset(run: Any, instead: str) -> None:
    """Compare what the preset gives an output for with what the task needs one for."""
    preset = run.model.preset
    if preset is None or preset.startswith("residue_") == run.targets.per_residue:
        return
    gives = "each residue" if preset.startswith("residue_") else "a whole sequence"
    raise ValueError(
        f"model.preset {preset} gives an output for {gives}; task {run.task} takes {instead}"
    )


def check_loss(run: Any) -> None:
    """Compare loss and kind of target."""
    if run.train.loss != "default" and run.targets.kind != "regression":
        raise ValueError(f"train.loss {run.train.loss} needs targets.kind regression")


def check_published(run: Any) -> None:
    """Compare the figures of the literature with metrics and targets."""
    labels = run.targets.labels
    for place, figure in enumerate(run.published):
        where = f"published[{place}]"
        if figure.target is not None and figure.target not in labels:
            allowed = ", ".join(labels)
            raise ValueError(f"{where}: unknown target {figure.target!r}; targets: {allowed}")
        metrics: tuple[str, ...] = METRICS_OF_KIND[run.targets.kind]
        whose = ""
        if run.targets.per_residue:
            # Each label has metrics of its own; without a target, the first that has it counts.
            meant = labels if figure.target is None else (figure.target,)
            metrics = tuple(dict.fromkeys(name for label in meant for name in list_metrics(label)))
            whose = f" of {figure.target}" if figure.target else ""
        if figure.metric not in metrics:
            allowed = ", ".join(metrics)
            raise ValueError(
                f"{where}: unknown metric {figure.metric!r}{whose}; allowed: {allowed}"
            )


def check_targets(where: str, asked: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Compare targets asked for with those there are."""
    unknown = [name for name in asked if name not in names]
    if unknown:
        allowed = ", ".join(names)
        raise ValueError(f"{where}.targets: unknown target {unknown[0]!r}; targets: {allowed}")
