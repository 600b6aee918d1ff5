"""Where a model of residues errs: protein by protein, and by what a residue is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioseq_dl.bootstrap import bound, draw_counts
from bioseq_dl.config import HEADS, Evaluate, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.evaluate.predictions import Part
from bioseq_dl.evaluate.residue_scores import find_owners, measure_of
from bioseq_dl.io.records import read_records_table
from bioseq_dl.io.secondary_structure import NO_LABEL, decode_states
from bioseq_dl.residue_metrics import RESIDUE_METRICS, Sums
from bioseq_dl.residue_outputs import find_head, split_labels

Floats = NDArray[np.float64]
BINS = 5
"""Quantile bins of length."""
SOURCES = 20
"""With more sources than these, errors are not told by source."""
DRAWN = {"good": 0.9, "middling": 0.5, "bad": 0.1}
"""Proteins that are drawn: the share of proteins that the model does no better on."""
LEAST_RESIDUES = 30
"""Labelled residues of a protein that is drawn, where there are such proteins."""
PROTEIN_COLUMNS = (
    "target", "id", "length", "residues", "metric", "value", "baseline", "baseline_value", "source",
)  # fmt: skip
RATE_COLUMNS = ("target", "by", "bin", "records", "rate", "low", "high")


def read_proteins(path: Path | None, part: Part) -> pd.DataFrame:
    """Give id, length, sequence and source of each test protein.

    Parameters
    ----------
    path : Path, optional
        records.parquet; without it sequences and sources are empty.
    part : Part
        Which proteins, and in which order.

    Raises
    ------
    InputError
        Where the file cannot be read, a protein is not in it, or has another length there.
    """
    assert part.lengths is not None
    if path is None:
        return pd.DataFrame({"id": part.ids, "length": part.lengths, "sequence": "", "source": ""})
    table = read_records_table(path, ("id", "sequence", "source"))
    rows = pd.Index(table.column("id").to_pylist()).get_indexer(list(part.ids))
    if (rows < 0).any():
        record = str(part.ids[np.argmax(rows < 0)])
        raise InputError("a predicted record is not in the records", file=path, record=record)
    chosen = table.take(rows)
    found = pd.DataFrame(
        {
            "id": part.ids,
            "length": part.lengths,
            "sequence": chosen.column("sequence").to_pylist(),
            "source": chosen.column("source").to_pylist(),
        }
    )
    lengths = found["sequence"].str.len().to_numpy()
    if (lengths != part.lengths).any():
        row = int(np.argmax(lengths != part.lengths))
        raise InputError(
            "a protein has another length in the records than in the predictions",
            file=path,
            record=str(part.ids[row]),
            found=int(lengths[row]),
            allowed=str(part.lengths[row]),
        )
    return found


def list_proteins(
    proteins: pd.DataFrame,
    residues: NDArray[np.int64],
    sums: Mapping[str, Sums],
    label: str,
    metric: str,
    baseline: str | None,
) -> pd.DataFrame:
    """Give a metric of each protein by itself, the worst first; ties and none in their order.

    Parameters
    ----------
    proteins : DataFrame
        Of `read_proteins`.
    residues : int64 (proteins,)
        Labelled residues of each.
    sums : mapping
        Predictor: sums of the label.
    label, metric : str
    baseline : str, optional
        Shown beside the model.
    """
    values = {
        name: found.score(found.values)[metric]
        for name, found in sums.items()
        if name in ("model", baseline)
    }
    worst_first = 1 if RESIDUE_METRICS[metric].higher else -1
    order = np.argsort(np.nan_to_num(worst_first * values["model"], nan=np.inf), kind="stable")
    listed = proteins.assign(
        target=label,
        metric=metric,
        value=values["model"],
        baseline=baseline or "",
        baseline_value=values.get(baseline or "", np.nan),
        residues=residues,
    )
    return listed.iloc[order][list(PROTEIN_COLUMNS)].reset_index(drop=True)


def rate_residues(
    part: Part, proteins: pd.DataFrame, targets: Targets, config: Evaluate
) -> pd.DataFrame:
    """Give the error of each label by length, amino acid, state and source.

    The error is the share of residues called wrong (states, masks) or the mean absolute error
    (shares; angles in degrees). Intervals come from resampling proteins. ``records`` counts
    labelled residues. A property that all residues share is left out.
    """
    predicted = split_labels(targets, part.prediction)
    owner = find_owners(part)
    weights = list(draw_counts(len(part.ids), config.bootstrap, config.seed))
    rows: list[dict[str, Any]] = []
    for place, label in enumerate(targets.labels):
        truth = part.truth[:, place].astype(np.float64)
        known = ~np.isnan(truth)
        if not known.any():
            continue
        error = _measure_errors(label, truth[known], predicted[label][known], config.threshold)
        for by, names, codes in _group(label, truth, part, proteins):
            cells = owner[known] * len(names) + codes[known]
            shape = (len(part.ids), len(names))
            size = shape[0] * shape[1]
            counts = np.bincount(cells, minlength=size).reshape(shape).astype(np.float64)
            sums = np.bincount(cells, weights=error, minlength=size).reshape(shape)
            with np.errstate(invalid="ignore"):
                drawn = np.concatenate([(w @ sums) / (w @ counts) for w in weights])
            for code, name in enumerate(names):
                if not counts[:, code].any():
                    continue
                found = bound(drawn[:, code], config.confidence)
                rate = sums[:, code].sum() / counts[:, code].sum()
                row = {
                    "target": label,
                    "by": by,
                    "bin": name,
                    "records": int(counts[:, code].sum()),
                }
                rows.append(row | {"rate": rate, "low": found.low, "high": found.high})
    return pd.DataFrame(rows, columns=list(RATE_COLUMNS))


def draw_table(
    part: Part, proteins: pd.DataFrame, listed: pd.DataFrame, targets: Targets
) -> pd.DataFrame:
    """Give the residues of a good, a middling and a bad protein, for the report to draw.

    Parameters
    ----------
    part : Part
        The model's.
    proteins, listed : DataFrame
        Of `read_proteins` and `list_proteins`.
    targets : Targets

    Returns
    -------
    DataFrame
        Columns id, rank (good, middling, bad), value (the protein's metric), position (from 1),
        residue, ``true:<label>`` of states (a letter; a space without a label) and
        ``<output>`` of states and masks (probabilities). Empty where no head has states.
    """
    names = [name for name in targets.names if HEADS[name].measure == "states"]
    chosen = _choose(listed) if names else {}
    predicted = split_labels(targets, part.prediction)
    assert part.lengths is not None
    ends = np.cumsum(part.lengths)
    parts = []
    for rank, found in chosen.items():
        row = int(np.flatnonzero(proteins["id"] == found["id"])[0])
        start, end = int(ends[row] - part.lengths[row]), int(ends[row])
        sequence = proteins["sequence"][row] or "X" * (end - start)
        columns: dict[str, Any] = {
            "id": found["id"],
            "rank": rank,
            "value": found["value"],
            "position": np.arange(1, end - start + 1),
            "residue": list(sequence),
        }
        for name in names:
            truth = part.truth[start:end, targets.labels.index(name)]
            codes = np.where(np.isnan(truth), -1, truth).astype(np.int64)
            letters = decode_states(codes, HEADS[name].states)
            columns[f"true:{name}"] = list(letters.replace(NO_LABEL, " "))
            for code, output in enumerate(HEADS[name].outputs):
                columns[output] = predicted[name][start:end, code]
        for name in targets.names:
            if HEADS[name].measure == "mask":
                columns[name] = predicted[name][start:end]
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["id", "rank"])


def _choose(listed: pd.DataFrame) -> dict[str, dict[Any, Any]]:
    """Choose proteins by their place in the order, the worst first; each once."""
    scored = listed[listed["value"].notna()]
    if (scored["residues"] >= LEAST_RESIDUES).any():
        scored = scored[scored["residues"] >= LEAST_RESIDUES]
    found: dict[int, str] = {}
    for rank, share in DRAWN.items():
        if len(scored):
            found.setdefault(round(share * (len(scored) - 1)), rank)
    return {rank: dict(scored.iloc[place].items()) for place, rank in found.items()}


def _measure_errors(label: str, truth: Floats, predicted: Any, threshold: float) -> Floats:
    match measure_of(label):
        case "states":
            wrong: Floats = (predicted.argmax(axis=1) != truth).astype(np.float64)
        case "mask":
            wrong = ((predicted >= threshold) != (truth == 1)).astype(np.float64)
        case "angles":
            turn = (predicted.astype(np.float64) - truth + np.pi) % (2 * np.pi) - np.pi
            wrong = np.degrees(np.abs(turn))
        case _:
            wrong = np.abs(predicted.astype(np.float64) - truth)
    return wrong


def _group(
    label: str, truth: Floats, part: Part, proteins: pd.DataFrame
) -> Iterator[tuple[str, Sequence[str], NDArray[np.int64]]]:
    """Give each property with the names of its groups and each residue's group."""
    assert part.lengths is not None
    measure = measure_of(label)
    if measure in ("states", "mask"):
        states = HEADS[find_head(label)].states or ("no", "yes")
        yield "class", list(states), np.nan_to_num(truth).astype(np.int64)
    lengths = part.lengths
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, BINS + 1)).round())
    if len(edges) > 1:
        codes = np.clip(np.searchsorted(edges, lengths, side="left") - 1, 0, len(edges) - 2)
        yield (
            "length",
            [f"{a:.0f} to {b:.0f}" for a, b in pairwise(edges)],
            np.repeat(codes, lengths),
        )
    letters = "".join(proteins["sequence"])
    if letters:
        names, codes = np.unique(np.frombuffer(letters.encode(), "S1"), return_inverse=True)
        yield "residue", [name.decode() for name in names], codes.astype(np.int64)
    names, codes = np.unique(proteins["source"].fillna("").astype(str), return_inverse=True)
    if 1 < len(names) <= SOURCES:
        yield "source", [str(name) for name in names], np.repeat(codes, lengths)
