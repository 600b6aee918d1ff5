"""Numbers and findings in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

MACRO = "macro"
NONE = "–"
MEAN = "mean"
"""Of train: the baseline of a regression that other kinds have the class prior for."""
PREDICTORS = {
    "model": "model",
    "prior": "class prior",
    "kmer": "k-mer",
    "additive": "additive",
    "pairwise": "pairwise",
    "blosum": "BLOSUM62",
    "window": "window",
    "logistic": "logistic regression",
    "forest": "random forest",
    "pca": "neighbours on PCA",
}
_FORMATS = {"rmse": ".3g", "angle_mae": ".1f"}
_VERDICTS = {
    "better": "the model is better",
    "worse": "the model is worse",
    "not distinguishable": "not distinguishable",
    "undefined": "no difference can be given",
}
_PUBLISHED = {
    "better": "ours is better",
    "worse": "ours is worse",
    "interval contains it": "our interval contains it",
    "undefined": "no comparison",
}


def say_number(value: float | None, metric: str = "") -> str:
    """Write a metric's value: three decimals; three digits for RMSE, one decimal of degrees."""
    if value is None or math.isnan(value):
        return NONE
    text = f"{value:{_FORMATS.get(metric, '.3f')}}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "−")


def say_interval(low: float | None, high: float | None, metric: str = "") -> str:
    """Write ``[low, high]``; a dash where there is none."""
    if low is None or high is None:
        return NONE
    return f"[{say_number(low, metric)}, {say_number(high, metric)}]"


def say_spread(spread: Mapping[str, Any] | None, metric: str = "") -> str:
    """Write mean ± sd; a dash where there is one value only."""
    if not spread or spread["mean"] is None:
        return NONE
    return f"{say_number(spread['mean'], metric)} ± {say_number(spread['sd'], metric)}"


def say_bytes(count: float | None) -> str:
    """Write an amount of memory in decimal units."""
    if count is None:
        return NONE
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def say_seconds(seconds: float | None) -> str:
    """Write a duration in the unit that suits it."""
    if seconds is None:
        return NONE
    if seconds < 0.05:
        return "under 0.1 s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def say_count(count: float | None) -> str:
    """Write a whole number with thin spaces between thousands."""
    return NONE if count is None else f"{round(count):,}".replace(",", "\u202f")


def say_share(part: float, whole: float) -> str:
    """Write a share in per cent."""
    return f"{100 * part / whole:.1f}%" if whole else NONE


def file_name(source: str) -> str:
    """Give the last part of a source's path, which tells inputs apart in little room."""
    return source.rstrip("/").rsplit("/", 1)[-1]


def name_predictor(name: str, metrics: Mapping[str, Any] | None = None) -> str:
    """Give a baseline's name in words; the prior of a regression (`metrics`) is the mean."""
    if name == "prior" and metrics is not None and metrics["kind"] == "regression":
        return MEAN
    return PREDICTORS.get(name, name)


def main_target(metrics: Mapping[str, Any]) -> str:
    """Give the target that stands for the run: the one named, the macro average, or the only."""
    if "main" in metrics:
        return str(metrics["main"])
    return MACRO if len(metrics["targets"]) > 1 else str(metrics["targets"][0])


def best_baseline(metrics: Mapping[str, Any], target: str | None = None) -> str | None:
    """Give the baseline with the best headline figure: the one that is hardest on the model.

    Of the run's main target, where none is named.
    """
    target, metric = target or main_target(metrics), metrics["headline"]
    values: dict[str, float | None] = {
        name: metrics["predictors"][name][target][metric]["value"] for name in metrics["baselines"]
    }
    if not values:
        return None
    sign = 1 if metrics["definitions"][metric].get("higher", True) else -1
    return max(values, key=lambda name: -math.inf if (v := values[name]) is None else sign * v)


def say_target(metrics: Mapping[str, Any]) -> str:
    """Say what the run's main figure is of, where there are several targets."""
    if len(metrics["targets"]) < 2:
        return ""
    target = main_target(metrics)
    return f"mean of {len(metrics['targets'])} targets" if target == MACRO else f"of {target}"


def find_comparison(
    metrics: Mapping[str, Any], baseline: str, target: str, metric: str
) -> Mapping[str, Any] | None:
    """Find one comparison of model and baseline."""
    wanted = (baseline, target, metric)
    for row in metrics["comparisons"]:
        if (row["baseline"], row["target"], row["metric"]) == wanted:
            found: Mapping[str, Any] = row
            return found
    return None


def count_test(metrics: Mapping[str, Any]) -> int:
    """Count test records, labelled or not."""
    first = metrics["records"][metrics["targets"][0]]
    return int(first["test"] + first["missing"])


def say_test(metrics: Mapping[str, Any]) -> str:
    """Say how many test records there are; of residues, proteins and residues."""
    found = metrics["records"][metrics["targets"][0]]
    count = say_count(count_test(metrics))
    if "residues" in found:
        return f"{count} test proteins ({say_count(found['residues'])} labelled residues)"
    return f"{count} test records"


def name_score(metrics: Mapping[str, Any]) -> str:
    """Give the name of the figure that training follows on validation."""
    if metrics["kind"] == "residues" and metrics["headline"] == "angle_mae":
        return "mean cosine of the errors of phi and psi"
    label = str(metrics["definitions"][metrics["headline"]]["label"])
    return f"{label} of {metrics['main']}" if metrics["kind"] == "residues" else label


def tell_result(metrics: Mapping[str, Any]) -> str:
    """Say the main figure, the baseline's, and whether they differ."""
    target, metric = main_target(metrics), metrics["headline"]
    ours = metrics["predictors"]["model"][target][metric]
    label = metrics["definitions"][metric]["label"]
    average = f" ({say_target(metrics)})" if target == MACRO else f" {say_target(metrics)}".rstrip()
    if ours["value"] is None:
        return f"{label}{average} cannot be given: {ours['note']}."
    text = f"{label}{average} {say_number(ours['value'], metric)} "
    text += say_interval(ours["low"], ours["high"], metric)
    text += f" on {say_test(metrics)}"
    baseline = best_baseline(metrics)
    if baseline is None:
        return text + "; no baseline was fitted."
    row = find_comparison(metrics, baseline, target, metric)
    if row is None or row["difference"] is None:
        return text + f"; the {name_predictor(baseline, metrics)} baseline has no value."
    text += (
        f"; the {name_predictor(baseline, metrics)} baseline "
        f"{say_number(row['baseline_value'], metric)}; "
        f"difference {say_number(row['difference'], metric)} "
        f"{say_interval(row['low'], row['high'], metric)}, {_VERDICTS[row['verdict']]}."
    )
    return text


def tell_published(metrics: Mapping[str, Any]) -> list[str]:
    """Say each published figure beside ours."""
    told = []
    for row in metrics["published"]:
        metric = row["metric"]
        label = metrics["definitions"][metric]["label"]
        several = f" of {row['target']}" if len(metrics["targets"]) > 1 else ""
        interval = say_interval(row["low"], row["high"], metric)
        told.append(
            f"{label}{several} {say_number(row['value'], metric)} {interval} beside "
            f"{row['published']:g} published ({row['source']}): {_PUBLISHED[row['verdict']]}."
        )
    return told


def tell_seeds(metrics: Mapping[str, Any]) -> str:
    """Say how far single models lie from each other."""
    target, metric = main_target(metrics), metrics["headline"]
    ours = metrics["predictors"]["model"][target][metric]
    label = metrics["definitions"][metric]["label"]
    seeds, folds = len(metrics["seeds"]), len(metrics["folds"])
    if ours["seeds"] is None:
        text = "One seed was trained, so the spread between trainings is not known"
    else:
        text = f"Single models of {seeds} seeds reach {say_spread(ours['seeds'], metric)} {label}"
        text += "; the figures are of their ensemble"
    if folds > 1:
        text += f"; over {folds} folds {say_spread(ours['folds'], metric)}"
    return text + "."


def tell_leaks(audit: Mapping[str, Any] | None) -> str:
    """Say what the leakage audit found and what was done about it."""
    if audit is None:
        return "The split was not audited for leakage."
    rows = [row for row in audit["leaking"] if row["role"] == "test"]
    found, left = (sum(row[key] for row in rows) for key in ("leaking", "remaining"))
    records = sum(row["records"] for row in rows)
    if not found:
        return (
            f"No leak into training or validation was found for {say_count(records)} test records."
        )
    what = "equal, similar or overlapping record"
    if audit["near_search"] == "identity":
        what = "equal or homologous protein"
    if audit["compared"] == "profile":
        what = "equal cell"
    text = f"{say_count(found)} of {say_count(records)} test records had an {what} "
    text += "in training or validation; "
    if left == 0:
        return text + "those were taken out of training and validation."
    if left == found:
        return text + "nothing was taken out, so the figures may be too high."
    return text + f"{say_count(left)} still have, so the figures may be too high."


def tell_calibration(metrics: Mapping[str, Any]) -> str:
    """Say how honest the stated probabilities are."""
    if not metrics["calibration"]:
        return ""
    found = list(metrics["calibration"].values())
    before, after = (
        sum(item[when]["ece"] or 0 for item in found) / len(found) for when in ("before", "after")
    )
    values = [t["value"] for item in found for t in item["temperatures"]]
    mean = sum(values) / len(values)
    way = "too sure" if mean > 1 else "not sure enough"
    text = f"Stated probabilities are off by {before:.3f} on average (ECE)"
    return f"{text}; {after:.3f} after a temperature of {mean:.2f} ({way} before)."
