"""One run, judged: the numbers of ``metrics.json`` and the tables beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioseq_dl.bootstrap import resample_scores
from bioseq_dl.calibration import fit_temperature, scale_probability
from bioseq_dl.config import METRICS_OF_KIND, Evaluate, Published, Targets
from bioseq_dl.evaluate.curves import class_names, count_confusion, trace_curves
from bioseq_dl.evaluate.errors import list_errors, rate_errors, read_features
from bioseq_dl.evaluate.pooling import (
    list_notes,
    pool_parts,
    pool_predictors,
    score_folds,
    score_seeds,
)
from bioseq_dl.evaluate.predictions import Part, Predictions, read_predictions
from bioseq_dl.evaluate.scores import (
    compare_all,
    compare_published,
    describe_scores,
    remove_biases,
    score_part,
)
from bioseq_dl.evaluate.tables import (
    COMPARISON_COLUMNS,
    PROPER,
    Evaluation,
    make_plain,
    tabulate_calibration,
    tabulate_metrics,
)
from bioseq_dl.metrics import HEADLINE_OF_KIND, METRICS

Floats = NDArray[np.float64]
CALIBRATED = "calibrated model"
"""Name of the model after temperature scaling in the calibration curves."""


def evaluate_run(
    predictions: Sequence[tuple[int, int, Path]],
    baselines: Sequence[tuple[str, int, Path]],
    targets: Targets,
    config: Evaluate,
    published: Sequence[Published] = (),
    records: Path | None = None,
) -> Evaluation:
    """Judge a run on its test records.

    The model is the ensemble of its seeds (mean probability, or mean value). The test
    records of all folds are pooled, each predicted by the models that have not seen it, and
    resampled; every predictor is scored on the same resamples.

    Parameters
    ----------
    predictions : sequence of (fold, seed, path)
        predictions.parquet of each model.
    baselines : sequence of (name, fold, path)
        predictions.parquet of each baseline.
    targets : Targets
        What is predicted.
    config : Evaluate
        Resamples, confidence, threshold, bins.
    published : sequence of Published
        Figures to stand beside ours.
    records : Path, optional
        records.parquet, for the length, GC content and source of the mistakes.

    Returns
    -------
    Evaluation
        Its summary has these keys; a number without a value is null:

        ``kind, targets, classes, folds, seeds, baselines, metrics, headline``
            What was judged, in the order to show it (JSON objects are sorted by key);
            headline is the metric named first.
        ``settings``
            The section evaluate of the config.
        ``definitions``
            Metric: ``{label, higher, meaning}``.
        ``records``
            Target: ``{test, missing, val, classes: {name: records}}``.
        ``predictors``
            ``model`` and each baseline: target (and ``macro``): metric: ``{value, note, low,
            high, undefined_resamples, seeds, folds}``; seeds and folds are null or
            ``{values, mean, sd}`` (sd with n - 1).
        ``notes``
            Baseline: what was fitted, by fold.
        ``comparisons``
            As comparisons.tsv: model less baseline, paired.
        ``published``
            ``{target, metric, published, source, value, low, high, seeds, verdict}``.
        ``calibration``
            Target: ``{temperatures: [{fold, value, records, note}], before, after}`` with
            log loss, ECE and Brier score on test; empty where switched off.

    Raises
    ------
    InputError
        Where files do not fit together, see
        `bioseq_dl.evaluate.predictions.read_predictions`, or a published figure names an
        unknown metric or target.
    """
    found = read_predictions(predictions, baselines, targets)
    pooled = pool_predictors(found)
    model = pooled["model"]
    score = partial(score_part, targets=targets, config=config)
    scores = {name: score(part) for name, part in pooled.items()}
    drawn = resample_scores(
        targets.kind,
        targets.names,
        model.truth,
        {name: part.prediction for name, part in pooled.items()},
        resamples=config.bootstrap,
        seed=config.seed,
        threshold=config.threshold,
        ece_bins=config.ece_bins,
    )
    samples = {name: remove_biases(scores[name], drawn[name]) for name in pooled}
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
    comparisons = compare_all(scores, samples, config.confidence)
    calibration, calibrated = _calibrate(found, targets, config)
    summary = {
        "kind": targets.kind,
        "targets": list(targets.names),
        "classes": [] if targets.kind == "regression" else list(class_names(targets)),
        "folds": list(found.folds),
        "seeds": list(found.seeds),
        "headline": HEADLINE_OF_KIND[targets.kind],
        "metrics": list(METRICS_OF_KIND[targets.kind]),
        "baselines": [name for name in pooled if name != "model"],
        "settings": config.model_dump(mode="json"),
        "definitions": {
            name: {
                "label": METRICS[name].label,
                "higher": METRICS[name].higher,
                "meaning": METRICS[name].meaning,
            }
            for name in METRICS_OF_KIND[targets.kind]
        },
        "records": _count_records(found, model, targets),
        "predictors": described,
        "notes": list_notes(found),
        "comparisons": comparisons,
        "published": compare_published(published, described["model"]),
        "calibration": calibration,
    }
    tables = {
        "metrics": tabulate_metrics(described),
        "comparisons": pd.DataFrame(comparisons, columns=list(COMPARISON_COLUMNS)),
        "calibration": tabulate_calibration(calibration),
        **_picture(pooled, calibrated, targets, config, records),
    }
    return Evaluation(make_plain(summary), tables)


def _calibrate(
    found: Predictions, targets: Targets, config: Evaluate
) -> tuple[dict[str, Any], Part | None]:
    """Fit a temperature per fold and target on val, and apply it to that fold's test."""
    if targets.kind == "regression" or not config.calibrate:
        return {}, None
    temperatures: dict[str, list[dict[str, Any]]] = {name: [] for name in targets.names}
    before, after = [], []
    for fold in found.folds:
        ensemble = found.ensemble(fold)
        scaled = ensemble.test.prediction.copy()
        for place, name in enumerate(targets.names):
            fitted = fit_temperature(
                ensemble.val.prediction[:, place], ensemble.val.truth[:, place]
            )
            scaled[:, place] = scale_probability(scaled[:, place], fitted.value)
            temperatures[name].append({"fold": fold, **vars(fitted)})
        before.append(ensemble.test)
        after.append(Part(ensemble.test.ids, ensemble.test.truth, scaled))
    first = score_part(pool_parts(before), targets, config)
    second = score_part(pool_parts(after), targets, config)
    calibration = {
        name: {
            "temperatures": temperatures[name],
            "before": {metric: first[name][metric].value for metric in PROPER},
            "after": {metric: second[name][metric].value for metric in PROPER},
        }
        for name in targets.names
    }
    return calibration, pool_parts(after)


def _picture(
    pooled: Mapping[str, Part],
    calibrated: Part | None,
    targets: Targets,
    config: Evaluate,
    records: Path | None,
) -> dict[str, pd.DataFrame]:
    model = pooled["model"]
    curves = trace_curves(
        model.truth, {name: part.prediction for name, part in pooled.items()}, targets, config
    )
    if calibrated is not None:
        further = trace_curves(model.truth, {CALIBRATED: calibrated.prediction}, targets, config)
        curves = pd.concat([curves, further[further["curve"] == "calibration"]])
    if records is None:
        features = pd.DataFrame(
            {"length": np.nan, "gc": np.nan, "source": "", "group": None, "mutations": None},
            index=range(len(model.ids)),
        )
    else:
        features = read_features(records, model.ids)
    others = {name: part.prediction for name, part in pooled.items() if name != "model"}
    return {
        "curves": curves,
        "confusion": count_confusion(model.truth, model.prediction, targets, config),
        "errors": list_errors(model, others, features, targets, config),
        "error_rates": rate_errors(model, features, targets, config),
    }


def _count_records(found: Predictions, model: Part, targets: Targets) -> dict[str, Any]:
    val = pool_parts([found.models[fold, found.seeds[0]].val for fold in found.folds])
    counts = {}
    for place, name in enumerate(targets.names):
        truth = model.truth[:, place]
        known = truth[~np.isnan(truth)]
        classes = {}
        if targets.kind != "regression":
            names = class_names(targets)
            found_codes = np.bincount(known.astype(np.int64), minlength=len(names))
            classes = {label: int(n) for label, n in zip(names, found_codes, strict=True)}
        counts[name] = {
            "test": len(known),
            "missing": len(truth) - len(known),
            "val": int((~np.isnan(val.truth[:, place])).sum()),
            "classes": classes,
        }
    return counts
