"""What the design promises, held against what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from plan import BARE_OWN, BARE_OWN_BF16, EFFECTS, GATHER, LOOP_BEST, PEER, TRAIN_OWN
from table import Row


@dataclass(frozen=True)
class Aim:
    """Something the design promises, and what was measured."""

    measure: str
    """It is judged where this was measured."""
    text: str
    found: float | None
    wanted: float

    @property
    def met(self) -> bool:
        return self.found is not None and self.found >= self.wanted

    def __str__(self) -> str:
        found = "not measured" if self.found is None else f"{self.found:.3g}"
        verdict = "" if self.found is None else (" (met)" if self.met else " (NOT met)")
        return f"{self.text}: {found}, aim {self.wanted:g}{verdict}"


def judge_aims(rows: Sequence[Row]) -> list[Aim]:
    """Hold the rows against the aims of the measures that were taken."""
    taken = {row.measure for row in rows}
    return [aim for aim in _list_aims(rows) if aim.measure in taken]


def _list_aims(rows: Sequence[Row]) -> list[Aim]:
    medians = {(row.measure, row.name): row.median for row in rows}

    def ratio(measure: str, name: str, other: str, other_measure: str = "") -> float | None:
        below = medians.get((other_measure or measure, other))
        above = medians.get((measure, name))
        return None if above is None or not below else above / below

    def best_peer(measure: str, word: str = "", without: str = "\0") -> str:
        """Name of the fastest, or nothing."""
        values = {
            row.name: row.median
            for row in rows
            if row.measure == measure
            and row.kind == "peer"
            and word in row.name
            and without not in row.name
            and row.median is not None
        }
        return max(values, key=lambda name: values[name], default="")

    own = "bioseq_dl"

    def times_peer(measure: str, name: str, word: str = "", without: str = "\0") -> float | None:
        return ratio(measure, name, best_peer(measure, word, without))

    return [
        Aim(
            "extract",
            "extraction, share of the flat gather",
            ratio("extract", own, GATHER),
            0.5,
        ),
        Aim("extract", "extraction, intervals/s", medians.get(("extract", own)), 2e6),
        Aim(
            "extract",
            "extraction, times the best of tangermeme",
            times_peer("extract", own, PEER),
            1.0,
        ),
        Aim(
            "loader",
            "loader, times the model's rate",
            ratio("loader", own, TRAIN_OWN, "train"),
            10.0,
        ),
        Aim(
            "train",
            "training (auto), share of the bare bf16 loop on our module",
            ratio("train", TRAIN_OWN, BARE_OWN_BF16),
            0.95,
        ),
        Aim(
            "train",
            "training fp32, share of the bare loop on our module",
            ratio("train", "bioseq_dl, precision fp32", BARE_OWN),
            0.95,
        ),
        Aim(
            "train",
            "training (auto), times the best peer as it trains by default",
            times_peer("train", TRAIN_OWN, "", "bfloat16"),
            1.8,
        ),
        Aim(
            "train",
            "training (auto), times the best peer in any precision it offers",
            times_peer("train", TRAIN_OWN),
            1.0,
        ),
        _score_aim(rows),
        Aim(
            "variants_tiny",
            "VCF to VCF with a tiny network, variants/s",
            medians.get(("variants_tiny", own)),
            1e5,
        ),
        Aim(
            "variants_tiny",
            "VCF to VCF with a tiny network, times the best peer",
            times_peer("variants_tiny", own),
            1.0,
        ),
        Aim("snv", "SNVs, times tangermeme", ratio("snv", own, PEER), 3.0),
        Aim("snv", "SNVs, times tangermeme at its best batch", times_peer("snv", own, PEER), 1.0),
        Aim("indel", "indels, share of the forward rate", ratio("indel", own, LOOP_BEST), 1.0),
        Aim(
            "ism",
            "mutagenesis, times tangermeme's fast mode at its best batch",
            times_peer("ism", own, PEER),
            1.0,
        ),
        Aim(
            "ism",
            "mutagenesis, times tangermeme's fast mode at its best batch (wished for)",
            times_peer("ism", own, PEER),
            1.5,
        ),
        Aim(
            "snv_recurrent",
            "SNVs of a recurrent network, share of the forward rate",
            ratio("snv_recurrent", own, LOOP_BEST),
            0.95,
        ),
        *(_agreement_aim(rows, measure) for measure in EFFECTS),
    ]


def _agreement_aim(rows: Sequence[Row], measure: str) -> Aim:
    """Share of our runs whose effects are those of the full pass."""
    found = [
        row.output_agrees == "yes"
        for row in rows
        if row.measure == measure and row.kind == "ours" and row.output_agrees
    ]
    text = f"{measure}: our effects are those of the full pass, within 1e-5"
    return Aim(measure, text, float(all(found)) if found else None, 1.0)


SCORE_MARGIN = 0.01
"""AUROC; seeds of one precision differ by about as much."""


def _score_aim(rows: Sequence[Row]) -> Aim:
    """Paired difference of the scores by seed, bf16 less fp32."""
    scores: dict[str, dict[str, float]] = {"fp32": {}, "bf16": {}}
    for row in rows:
        if row.measure == "score" and row.median is not None and row.precision in scores:
            scores[row.precision][row.name.rpartition(" ")[2]] = row.median
    seeds = sorted(set(scores["fp32"]) & set(scores["bf16"]))
    gaps = [scores["bf16"][seed] - scores["fp32"][seed] for seed in seeds]
    text = "validation AUROC, bf16 less fp32"
    if len(gaps) < 2:
        return Aim("score", text, None, -SCORE_MARGIN)
    mean = statistics.mean(scores["fp32"][seed] for seed in seeds)
    text += f" (mean of {len(gaps)} seeds, sd {statistics.stdev(gaps):.4f}; fp32 {mean:.4f})"
    return Aim("score", text, statistics.mean(gaps), -SCORE_MARGIN)
