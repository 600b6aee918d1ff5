"""What a prediction is worth: each metric, its definition and when it has no value.

scikit-learn and scipy compute all that they have; only the expected calibration error and
the multi-class Brier score are written out here. A metric without a value (one class only,
a constant) is NaN and says why; it is never 0 in silence.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as sk

from bioseq_dl.config import METRICS_OF_KIND

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """What a metric is called and which way is better.

    Parameters
    ----------
    label : str
        As it reads in a table.
    higher : bool
        Whether more is better.
    meaning : str
        One sentence for the report.
    biased : bool
        Whether it grows with noise alone, so that resamples lie above the sample.
    """

    label: str
    higher: bool
    meaning: str
    biased: bool = False


@dataclass(frozen=True)
class Score:
    """A metric's value, and why it has none or how it is to be read.

    Parameters
    ----------
    value : float
        NaN where it is undefined.
    note : str, optional
        The reason, or the convention that was used.
    """

    value: float
    note: str | None = None


METRICS: Mapping[str, Metric] = {
    "auroc": Metric("AUROC", True, "area under the ROC curve; 0.5 is chance"),
    "auprc": Metric("AUPRC", True, "average precision; chance is the share of positives"),
    "mcc": Metric("MCC", True, "Matthews correlation of classes; 0 is chance"),
    "f1": Metric("F1", True, "harmonic mean of precision and recall"),
    "precision": Metric("Precision", True, "share of predicted positives that are positive"),
    "recall": Metric("Recall", True, "share of positives that are found"),
    "accuracy": Metric("Accuracy", True, "share of records classified right"),
    "brier": Metric("Brier score", False, "mean squared error of the probabilities"),
    "ece": Metric(
        "ECE", False, "expected calibration error: mean gap of stated and true rates", biased=True
    ),
    "log_loss": Metric("Log loss", False, "mean negative log-likelihood, in nats"),
    "pearson": Metric("Pearson r", True, "linear correlation"),
    "spearman": Metric("Spearman ρ", True, "correlation of ranks"),
    "r2": Metric("R²", True, "share of the variance explained; 0 is the mean's"),
    "rmse": Metric("RMSE", False, "root mean squared error, in the target's unit"),
}

HEADLINE_OF_KIND: Mapping[str, str] = {
    "binary": "auroc",
    "multiclass": "accuracy",
    "regression": "pearson",
    "residues": "accuracy",
}


def score_target(
    kind: str, truth: Floats, prediction: Floats, *, threshold: float = 0.5, ece_bins: int = 15
) -> dict[str, Score]:
    """Compute every metric of one target.

    Parameters
    ----------
    kind : str
        ``binary``, ``multiclass`` or ``regression``.
    truth : float64, shape (n,)
        0/1, class codes, or values; NaN is a missing label and is left out.
    prediction : float64, shape (n,) or (n, classes)
        Probability of the positive class, probabilities of all classes, or values.
    threshold : float
        Probability from which a binary target counts as positive.
    ece_bins : int
        Equal bins of the expected calibration error.

    Returns
    -------
    dict
        Name of the metric: score, in the order of `METRICS_OF_KIND`.
    """
    known = ~np.isnan(truth)
    truth, prediction = truth[known], prediction[known]
    if not len(truth):
        empty = Score(np.nan, "no labelled records")
        return dict.fromkeys(METRICS_OF_KIND[kind], empty)
    if kind == "regression":
        return _score_regression(truth, prediction)
    if kind == "binary":
        return _score_binary(truth, prediction, threshold, ece_bins)
    return _score_multiclass(truth, prediction, ece_bins)


def auroc(truth: NDArray[Any], score: NDArray[Any]) -> float:
    """Compute the area under the ROC curve.

    Parameters
    ----------
    truth : shape (n,)
        0 or 1.
    score : shape (n,)
        Higher is more positive (probabilities or logits).

    Returns
    -------
    float
        NaN with records of one class only, or scores that are not finite.
    """
    if len(np.unique(truth)) != 2 or not np.isfinite(score).all():
        return float("nan")
    return float(sk.roc_auc_score(truth, score))


def accuracy(truth: NDArray[Any], called: NDArray[Any]) -> float:
    """Compute the share of classes called right, both of shape (n,); NaN without records."""
    return float(sk.accuracy_score(truth, called)) if len(truth) else float("nan")


def pearson(truth: NDArray[Any], value: NDArray[Any]) -> float:
    """Compute the linear correlation of two arrays of shape (n,).

    Returns
    -------
    float
        NaN where one of them is constant, not finite, or shorter than two.
    """
    if len(truth) < 2 or not np.isfinite(value).all() or not np.ptp(truth) or not np.ptp(value):
        return float("nan")
    with warnings.catch_warnings():
        # Nearly constant values: the correlation stands, its last digits may not.
        warnings.simplefilter("ignore", stats.NearConstantInputWarning)
        return float(stats.pearsonr(truth, value).statistic)


def calibration_error(confidence: Floats, correct: Floats, bins: int = 15) -> float:
    """Compute the expected calibration error (Guo et al. 2017, equation 3).

    Parameters
    ----------
    confidence : float64, shape (n,)
        Stated probability: of the positive class (binary) or of the class named (multiclass).
    correct : float64, shape (n,)
        1 where it came true, else 0.
    bins : int
        Equal bins of (0, 1], closed above.
    """
    place = assign_bins(confidence, bins)
    gap = np.bincount(place, correct - confidence, minlength=bins)
    return float(np.abs(gap).sum() / len(confidence))


def assign_bins(confidence: Floats, bins: int) -> NDArray[np.int64]:
    """Give the bin ((i/bins, (i+1)/bins]; 0 falls in the first) of each probability."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def macro_average(scores: Mapping[str, Mapping[str, Score]]) -> dict[str, Score]:
    """Average each metric over the targets in which it has a value.

    Parameters
    ----------
    scores : mapping
        Target: metric: score; all targets with the same metrics.
    """
    names = next(iter(scores.values())).keys()
    averages = {}
    for name in names:
        values = np.array([scores[target][name].value for target in scores])
        without = [target for target, value in zip(scores, values, strict=True) if np.isnan(value)]
        if len(without) == len(values):
            averages[name] = Score(np.nan, "undefined in every target")
            continue
        note = f"without {_list(without)}, where it is undefined" if without else None
        averages[name] = Score(float(np.nanmean(values)), note)
    return averages


def _score_binary(
    truth: Floats, probability: Floats, threshold: float, bins: int
) -> dict[str, Score]:
    called = (probability >= threshold).astype(np.float64)
    scores = _rank_binary(truth, probability)
    one = _one_class(truth)
    positives, found = truth.sum(), called.sum()
    scores["mcc"] = one or _mcc(truth, called)
    if positives or found:
        scores["f1"] = Score(float(sk.f1_score(truth, called, zero_division=0.0)))
    else:
        scores["f1"] = Score(np.nan, "no positives, none predicted")
    scores["precision"] = (
        Score(float(sk.precision_score(truth, called)))
        if found
        else Score(np.nan, "no record is predicted positive")
    )
    scores["recall"] = (
        Score(float(sk.recall_score(truth, called)))
        if positives
        else Score(np.nan, "no positive records")
    )
    scores["accuracy"] = Score(accuracy(truth, called))
    scores["brier"] = Score(float(np.mean((probability - truth) ** 2)))
    scores["ece"] = Score(calibration_error(probability, truth, bins))
    scores["log_loss"] = Score(float(sk.log_loss(truth, probability, labels=[0.0, 1.0])))
    return {name: scores[name] for name in METRICS_OF_KIND["binary"]}


def _rank_binary(truth: Floats, probability: Floats) -> dict[str, Score]:
    one = _one_class(truth)
    if one:
        return {"auroc": one, "auprc": one}
    return {
        "auroc": Score(auroc(truth, probability)),
        "auprc": Score(float(sk.average_precision_score(truth, probability))),
    }


def _score_multiclass(truth: Floats, probability: Floats, bins: int) -> dict[str, Score]:
    classes = probability.shape[1]
    called = probability.argmax(axis=1).astype(np.float64)
    present = np.unique(truth)
    one = _one_class(truth)
    absent = classes - len(present)
    note = f"{absent} of {classes} classes have no records and are left out" if absent else None
    scores: dict[str, Score] = {}
    ranks = [
        _rank_binary((truth == code).astype(np.float64), probability[:, int(code)])
        for code in present
    ]
    for name in ("auroc", "auprc"):
        scores[name] = one or Score(float(np.mean([rank[name].value for rank in ranks])), note)
    scores["mcc"] = one or _mcc(truth, called)
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        truth, called, labels=present, average="macro", zero_division=0.0
    )
    never = len(np.setdiff1d(present, called))
    zero = f"{never} classes are never predicted: their precision counts as 0" if never else None
    scores["f1"] = Score(float(f1), note)
    scores["precision"] = Score(float(precision), "; ".join(filter(None, [note, zero])) or None)
    scores["recall"] = Score(float(recall), note)
    scores["accuracy"] = Score(accuracy(truth, called))
    onehot = truth[:, None] == np.arange(classes)
    # Brier's own definition, summed over classes: between 0 and 2.
    scores["brier"] = Score(float(((probability - onehot) ** 2).sum(axis=1).mean()))
    right = (called == truth).astype(np.float64)
    scores["ece"] = Score(calibration_error(probability.max(axis=1), right, bins))
    chosen = probability[np.arange(len(truth)), truth.astype(np.int64)]
    scores["log_loss"] = Score(float(-log_probability(chosen).mean()))
    return {name: scores[name] for name in METRICS_OF_KIND["multiclass"]}


def _score_regression(truth: Floats, prediction: Floats) -> dict[str, Score]:
    reason = None
    if len(truth) < 2:
        reason = "fewer than two records"
    elif np.ptp(truth) == 0:
        reason = "all true values are equal"
    constant = reason or ("all predictions are equal" if np.ptp(prediction) == 0 else None)
    if constant:
        scores = dict.fromkeys(("pearson", "spearman"), Score(np.nan, constant))
    else:
        scores = {
            "pearson": Score(pearson(truth, prediction)),
            "spearman": Score(float(stats.spearmanr(truth, prediction).statistic)),
        }
    r2 = Score(np.nan, reason) if reason else Score(float(sk.r2_score(truth, prediction)))
    return {**scores, "r2": r2, "rmse": Score(float(sk.root_mean_squared_error(truth, prediction)))}


def log_probability(probability: Floats) -> Floats:
    """Give log p, with p held above float64's resolution as scikit-learn's log loss does."""
    smallest = np.finfo(np.float64).eps
    held: Floats = np.log(np.clip(probability, smallest, 1 - smallest))
    return held


def _mcc(truth: Floats, called: Floats) -> Score:
    # 0/0 when one class alone is predicted; 0 is the limit (Chicco & Jurman 2020).
    alone = len(np.unique(called)) == 1
    note = "one class only is predicted: 0 by convention" if alone else None
    return Score(float(sk.matthews_corrcoef(truth, called)), note)


def _one_class(truth: Floats) -> Score | None:
    return Score(np.nan, "records of one class only") if len(np.unique(truth)) == 1 else None


def _list(names: list[str], limit: int = 3) -> str:
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
