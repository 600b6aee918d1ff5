"""The landscape of a wild type: every single mutant, and designs, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from bioseq_dl.config import Landscape
from bioseq_dl.encode.alphabet import PROTEIN, Codes
from bioseq_dl.encode.examples import ROLES, Examples
from bioseq_dl.errors import InputError
from bioseq_dl.io.mutations import Mutation, name_mutations
from bioseq_dl.landscape.cautions import list_cautions
from bioseq_dl.landscape.conformal import Conformal, fit_conformal
from bioseq_dl.landscape.designs import Found, Log, find_designs, list_singles
from bioseq_dl.landscape.score import Scores, make_scorer, score_examples
from bioseq_dl.train.checkpoint import Checkpoint

Floats = NDArray[np.float64]


class Told(NamedTuple):
    """What the step writes.

    Parameters
    ----------
    singles : pa.Table
        A row per target and single mutant: target, mutation, place, wild_type, letter, value,
        sd, low, high, measured, role, seen.
    designs : pa.Table
        target, rank, mutations, count, value, sd, low, high, acquisition, sequence.
    summary : dict
        Ready for JSON.
    """

    singles: pa.Table
    designs: pa.Table
    summary: dict[str, Any]


def describe_landscape(
    checkpoints: Sequence[Checkpoint],
    examples: Examples,
    wild_type: str,
    first: int,
    settings: Landscape,
    device: torch.device,
    log: Log = lambda _: None,
) -> Told:
    """Score the single mutants of a wild type, and seek designs.

    Parameters
    ----------
    checkpoints : sequence of Checkpoint
        The seeds of one fold.
    examples : Examples
        The records they were trained on: validation sets the intervals, test checks them.
    wild_type : str
    first : int
        Number of its first residue.
    settings : Landscape
    device : torch.device
    log : callable
        Takes lines of progress.

    Raises
    ------
    InputError
        Where the fold is missing.
    """
    if settings.fold >= len(examples.roles):
        raise InputError(
            "no such fold", found=settings.fold, allowed=f"0 to {len(examples.roles) - 1}"
        )
    codes = PROTEIN.encode(wild_type.encode())
    rows = {role: examples.select(settings.fold, role) for role in ("train", "val", "test")}
    scores = {
        role: score_examples(checkpoints, examples, rows[role], device) for role in ("val", "test")
    }
    log(f"{len(rows['val']):,} validation and {len(rows['test']):,} test records scored")
    same = _same_length(examples, len(codes))
    measured = np.asarray(examples.codes).reshape(len(examples), -1) if same else codes[None][:0]
    seen = _list_seen(measured[rows["train"]] if same else measured, len(codes))
    singles = list_singles(codes, len(PROTEIN.letters))
    score = make_scorer(checkpoints, device)
    scored, native = score(singles), score(codes[None])
    log(f"{len(singles):,} single mutants scored")
    places = {row.tobytes(): number for number, row in enumerate(measured)}
    tables: list[dict[str, Any]] = []
    designed: list[dict[str, Any]] = []
    told: dict[str, dict[str, Any]] = {}
    for target, name in enumerate(examples.spec.names):
        truth = examples.targets[:, target].astype(np.float64)
        conformal = fit_conformal(
            truth[rows["val"]],
            scores["val"].mean[:, target],
            scores["val"].spread[:, target],
            settings.confidence,
        )
        tables.append(
            _tabulate(name, singles, codes, first, scored, target, conformal)
            | _look_up(singles, places, truth, examples.roles[settings.fold])
            | {"seen": seen[_changed(singles, codes)].tolist()}
        )
        told[name] = {
            "wild_type": float(native.mean[0, target]),
            "wild_type_sd": float(native.spread[0, target]),
            **_check_intervals(conformal, truth[rows["test"]], scores["test"], target),
            "floor": conformal.floor,
            "validation": conformal.records,
        }
        proposed: Codes | None = None
        if settings.designs is not None:
            allowed = seen if settings.designs.seen_only else np.ones_like(seen)
            found = find_designs(codes, allowed, measured, score, target, settings.designs, log)
            told[name] |= {"scored": found.scored, "left_out": found.left_out}
            designed.append(_list_designs(name, found, codes, first, conformal))
            proposed = found.codes
        learnt = rows["train"][~np.isnan(truth[rows["train"]])]
        told[name]["cautions"] = list_cautions(
            conformal, measured[learnt] if same else measured, codes, proposed
        )
    summary = {
        "settings": settings.model_dump(mode="json"),
        "models": len(checkpoints),
        "wild_type": wild_type,
        "first": first,
        "singles": len(singles),
        "targets": told,
    }
    return Told(_stack(tables, _SINGLES), _stack(designed, _DESIGNS), summary)


_SINGLES = pa.schema(
    [
        ("target", pa.string()),
        ("mutation", pa.string()),
        ("place", pa.int64()),
        ("wild_type", pa.string()),
        ("letter", pa.string()),
        *((name, pa.float64()) for name in ("value", "sd", "low", "high", "measured")),
        ("role", pa.string()),
        ("seen", pa.bool_()),
    ]
)
_DESIGNS = pa.schema(
    [
        ("target", pa.string()),
        ("rank", pa.int64()),
        ("mutations", pa.string()),
        ("count", pa.int64()),
        *((name, pa.float64()) for name in ("value", "sd", "low", "high", "acquisition")),
        ("sequence", pa.string()),
    ]
)


def _stack(tables: Sequence[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables(
        [schema.empty_table(), *(pa.table(found, schema=schema) for found in tables)]
    )


def _same_length(examples: Examples, length: int) -> bool:
    return bool((examples.lengths == length).all())


def _list_seen(codes: Codes, length: int) -> NDArray[np.bool_]:
    """Mark the letters that stand at each place of some records, (length, letters)."""
    seen = np.zeros((length, len(PROTEIN.letters) + 1), np.bool_)
    for place in range(length):
        seen[place, np.unique(codes[:, place])] = True
    return seen[:, :-1]


def _changed(codes: Codes, wild_type: Codes) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Give the place and the letter that single mutants change."""
    places: NDArray[np.int64] = (codes != wild_type).argmax(axis=1)
    return places, codes[np.arange(len(codes)), places]


def _tabulate(
    name: str,
    codes: Codes,
    wild_type: Codes,
    first: int,
    scores: Scores,
    target: int,
    conformal: Conformal,
) -> dict[str, Any]:
    places, letters = _changed(codes, wild_type)
    native = PROTEIN.decode(wild_type[places])
    new = PROTEIN.decode(letters)
    mean, spread = scores.mean[:, target], scores.spread[:, target]
    return {
        "target": [name] * len(codes),
        "mutation": [
            f"{a}{place + first}{b}" for a, place, b in zip(native, places, new, strict=True)
        ],
        "place": places + first,
        "wild_type": list(native),
        "letter": list(new),
        **_bound(mean, spread, conformal),
    }


def _bound(mean: Floats, spread: Floats, conformal: Conformal) -> dict[str, Floats]:
    half = conformal.half_width(spread)
    return {"value": mean, "sd": spread, "low": mean - half, "high": mean + half}


def _look_up(
    codes: Codes, places: dict[bytes, int], truth: Floats, roles: NDArray[np.uint8]
) -> dict[str, Any]:
    rows = [places.get(row.tobytes()) for row in codes]
    values = [None if row is None or np.isnan(truth[row]) else float(truth[row]) for row in rows]
    return {
        "measured": values,
        "role": [None if row is None else ROLES[int(roles[row])] for row in rows],
    }


def _check_intervals(
    conformal: Conformal, truth: Floats, scores: Scores, target: int
) -> dict[str, Any]:
    """Tell how many test values the intervals hold, and how wide they are."""
    known = ~np.isnan(truth)
    mean, spread = scores.mean[known, target], scores.spread[known, target]
    half = conformal.half_width(spread)
    inside = np.abs(truth[known] - mean) <= half
    finite = bool(known.any()) and bool(np.isfinite(half).all())
    return {
        "coverage": float(inside.mean()) if len(inside) else None,
        "test": int(known.sum()),
        "median_width": float(2 * np.median(half)) if finite else None,
    }


def _list_designs(
    name: str, found: Found, wild_type: Codes, first: int, conformal: Conformal
) -> dict[str, Any]:
    native = PROTEIN.decode(wild_type)
    texts = [PROTEIN.decode(row) for row in found.codes]
    changes = [
        [
            Mutation(place, place + 1, text[place])
            for place in np.flatnonzero(row != wild_type).tolist()
        ]
        for text, row in zip(texts, found.codes, strict=True)
    ]
    return {
        "target": [name] * len(texts),
        "rank": list(range(1, len(texts) + 1)),
        "mutations": [name_mutations(change, native, first) for change in changes],
        "count": [len(change) for change in changes],
        **_bound(found.mean, found.spread, conformal),
        "acquisition": found.acquisition,
        "sequence": texts,
    }
