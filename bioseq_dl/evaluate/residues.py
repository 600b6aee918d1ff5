"""A run with labels for each residue, judged: metrics.json and the tables beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bioseq_dl.calibration import fit_temperature, scale_probability
from bioseq_dl.config import HEADS, Evaluate, Published, Targets
from bioseq_dl.evaluate.curves import count_confusion, trace_curves
from bioseq_dl.evaluate.pooling import (
    list_notes,
    pool_parts,
    pool_predictors,
    score_folds,
    score_seeds,
)
from bioseq_dl.evaluate.predictions import Part, Predictions, read_predictions
from bioseq_dl.evaluate.proteins import (
    draw_table,
    list_proteins,
    rate_residues,
    read_proteins,
)
from bioseq_dl.evaluate.residue_scores import (
    HEADLINE,
    count_labelled,
    define_metrics,
    measure_of,
    score_sums,
    sum_part,
)
from bioseq_dl.evaluate.scores import compare_all, compare_published, describe_scores
from bioseq_dl.evaluate.tables import (
    COMPARISON_COLUMNS,
    PROPER,
    Evaluation,
    make_plain,
    tabulate_calibration,
    tabulate_metrics,
)
from bioseq_dl.metrics import score_target
from bioseq_dl.residue_metrics import RESIDUE_METRICS, compare_residues, resample_proteins
from bioseq_dl.residue_outputs import split_labels


def evaluate_residues(
    predictions: Sequence[tuple[int, int, Path]],
    baselines: Sequence[tuple[str, int, Path]],
    targets: Targets,
    config: Evaluate,
    published: Sequence[Published] = (),
    records: Path | None = None,
) -> Evaluation:
    """Judge a run on the residues of its test proteins.

    The model is the ensemble of its seeds (mean probability, share or direction). Metrics are
    over all labelled residues; intervals come from resampling proteins, each with all of its
    residues, since those of one protein are not independent.

    Parameters
    ----------
    predictions : sequence of (fold, seed, path)
        predictions.parquet of each model.
    baselines : sequence of (name, fold, path)
        predictions.parquet of each baseline.
    targets : Targets
        Of kind residues.
    config : Evaluate
        Resamples, confidence, threshold of masks, bins.
    published : sequence of Published
        Figures to stand beside ours.
    records : Path, optional
        records.parquet, for the sequences and sources of the proteins.

    Returns
    -------
    Evaluation
        The summary has the keys of `bioseq_dl.evaluate.run.evaluate_run`, with these
        differences. A target is a label (the head angles gives phi and psi), and each has metrics
        of its own: of states ``accuracy``, ``sov`` and, of every state, ``recall:H``,
        ``precision:H``, ``sov:H``; of a mask ``auroc``, ``recall``, ``precision``; of a share
        ``mae``, ``pearson``; of an angle ``angle_mae``. There is no macro average: ``main`` names
        the target that stands for the run, ``headline`` its metric, ``states`` the letters of
        each target that has states. ``records`` counts proteins (``test``, ``missing``,
        ``val``), their labelled ``residues``, the others (``unlabelled``) and residues by state
        (``classes``).

        Tables: ``metrics``, ``comparisons``, ``calibration``, ``curves``, ``confusion`` (counts
        of residues), ``errors`` (a row a test protein, the worst first), ``error_rates`` (by
        length, amino acid, state, source; intervals by protein) and ``drawn`` (a row a residue
        of a good, a middling and a bad protein).

    Raises
    ------
    InputError
        Where files do not fit together, see `bioseq_dl.evaluate.predictions.read_predictions`,
        or a published figure names an unknown metric or target.
    """
    found = read_predictions(predictions, baselines, targets)
    pooled = pool_predictors(found)
    model = pooled["model"]
    sums = {name: sum_part(part, targets, config) for name, part in pooled.items()}
    scores = {name: score_sums(labels) for name, labels in sums.items()}
    samples: dict[str, dict[str, Any]] = {name: {} for name in pooled}
    for label in targets.labels:
        # The same seed and number of proteins: the same resamples for every label.
        drawn = resample_proteins(
            {name: labels[label] for name, labels in sums.items()},
            resamples=config.bootstrap,
            seed=config.seed,
        )
        for name, values in drawn.items():
            samples[name][label] = values

    def score(part: Part) -> dict[str, Any]:
        return score_sums(sum_part(part, targets, config))

    described = {
        name: describe_scores(
            scores[name],
            samples[name],
            score_seeds(found, score) if name == "model" else {},
            score_folds(found, name, score),
            config.confidence,
        )
        for name in pooled
    }
    comparisons = compare_all(scores, samples, config.confidence, compare_residues)
    metrics = define_metrics(scores["model"])
    main = targets.labels[0]
    headline = HEADLINE[measure_of(main)]
    calibration = _calibrate(found, targets, config)
    summary = {
        "kind": targets.kind,
        "targets": list(targets.labels),
        "main": main,
        "classes": [],
        "states": {name: HEADS[name].states for name in targets.names if HEADS[name].states},
        "folds": list(found.folds),
        "seeds": list(found.seeds),
        "headline": headline,
        "metrics": [name for name in RESIDUE_METRICS if name in metrics or f"{name}:H" in metrics],
        "baselines": [name for name in pooled if name != "model"],
        "settings": config.model_dump(mode="json"),
        "definitions": {
            name: {"label": metric.label, "higher": metric.higher, "meaning": metric.meaning}
            for name, metric in ({**RESIDUE_METRICS} | metrics).items()
        },
        "records": _count_records(found, model, targets),
        "predictors": described,
        "notes": list_notes(found),
        "comparisons": comparisons,
        "published": compare_published(published, described["model"], metrics),
        "calibration": calibration,
    }
    proteins = read_proteins(records, model)
    best = _best_baseline(scores, main, headline)
    listed = list_proteins(
        proteins,
        count_labelled(model, 0),
        {name: sums[name][main] for name in sums},
        main,
        headline,
        best,
    )
    tables = {
        "metrics": tabulate_metrics(described),
        "comparisons": pd.DataFrame(comparisons, columns=list(COMPARISON_COLUMNS)),
        "calibration": tabulate_calibration(calibration),
        "curves": _trace(pooled, targets, config),
        "confusion": _confuse(model, targets, config),
        "errors": listed,
        "error_rates": rate_residues(model, proteins, targets, config),
        "drawn": draw_table(model, proteins, listed, targets),
    }
    return Evaluation(make_plain(summary), tables)


def _best_baseline(scores: Mapping[str, Any], main: str, metric: str) -> str | None:
    sign = 1 if RESIDUE_METRICS[metric].higher else -1
    values = {
        name: sign * found[main][metric].value for name, found in scores.items() if name != "model"
    }
    if not values:
        return None
    return max(values, key=lambda name: -np.inf if np.isnan(values[name]) else values[name])


def _class_targets(targets: Targets) -> dict[str, Targets]:
    """Give the labels that are classes, each as a target of records would be."""
    found = {}
    for name in targets.names:
        if HEADS[name].measure == "states":
            states = tuple(HEADS[name].states)
            found[name] = Targets(kind="multiclass", names=(name,), classes=states)
        elif HEADS[name].measure == "mask":
            found[name] = Targets(kind="binary", names=(name,), classes=("no", "yes"))
    return found


def _trace(pooled: Mapping[str, Part], targets: Targets, config: Evaluate) -> pd.DataFrame:
    """Trace calibration of called states; ROC, precision-recall and calibration of masks."""
    parts = []
    for label, spec in _class_targets(targets).items():
        place = targets.labels.index(label)
        curves = trace_curves(
            pooled["model"].truth[:, [place]].astype(np.float64),
            {
                name: split_labels(targets, part.prediction)[label][:, None].astype(np.float64)
                for name, part in pooled.items()
            },
            spec,
            config,
        )
        if spec.kind == "multiclass":
            curves = curves[curves["curve"] == "calibration"]
        # Residues of one protein are not independent: intervals that take them so are too narrow.
        parts.append(curves.assign(low=np.nan, high=np.nan))
    empty = trace_curves(np.empty((0, 1)), {}, Targets(kind="regression"), config)
    return pd.concat([part for part in parts if len(part)] or [empty], ignore_index=True)


def _confuse(model: Part, targets: Targets, config: Evaluate) -> pd.DataFrame:
    parts = [
        count_confusion(
            model.truth[:, [targets.labels.index(label)]],
            split_labels(targets, model.prediction)[label][:, None].astype(np.float64),
            spec,
            config,
        )
        for label, spec in _class_targets(targets).items()
        if spec.kind == "multiclass"
    ]
    columns = ["target", "truth", "predicted", "records"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _calibrate(found: Predictions, targets: Targets, config: Evaluate) -> dict[str, Any]:
    """Fit a temperature per fold on val residues, and apply it to that fold's test."""
    if not config.calibrate:
        return {}
    calibration = {}
    for label, spec in _class_targets(targets).items():
        place = targets.labels.index(label)
        temperatures, truths, before, after = [], [], [], []
        for fold in found.folds:
            ensemble = found.ensemble(fold)
            val, test = (
                split_labels(targets, part.prediction)[label].astype(np.float64)
                for part in (ensemble.val, ensemble.test)
            )
            fitted = fit_temperature(val, ensemble.val.truth[:, place].astype(np.float64))
            note = None if fitted.note is None else fitted.note.replace("records", "residues")
            temperatures.append({"fold": fold, **vars(replace(fitted, note=note))})
            truths.append(ensemble.test.truth[:, place].astype(np.float64))
            before.append(test)
            after.append(scale_probability(test, fitted.value))
        scored = [
            score_target(
                spec.kind,
                np.concatenate(truths),
                np.concatenate(parts),
                threshold=config.threshold,
                ece_bins=config.ece_bins,
            )
            for parts in (before, after)
        ]
        calibration[label] = {
            "temperatures": temperatures,
            "before": {metric: scored[0][metric].value for metric in PROPER},
            "after": {metric: scored[1][metric].value for metric in PROPER},
        }
    return calibration


def _count_records(found: Predictions, model: Part, targets: Targets) -> dict[str, Any]:
    val = pool_parts([found.models[fold, found.seeds[0]].val for fold in found.folds])
    counts = {}
    for place, label in enumerate(targets.labels):
        truth = model.truth[:, place]
        known = truth[~np.isnan(truth)]
        states = HEADS[label].states if measure_of(label) == "states" else ""
        codes = np.bincount(known.astype(np.int64), minlength=len(states)) if states else ()
        labelled = np.count_nonzero(count_labelled(model, place))
        counts[label] = {
            "test": labelled,
            "missing": len(model.ids) - labelled,
            "val": np.count_nonzero(count_labelled(val, place)),
            "residues": len(known),
            "unlabelled": len(truth) - len(known),
            "classes": {state: int(n) for state, n in zip(states, codes, strict=True)},
        }
    return counts
