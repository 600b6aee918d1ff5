"""Whether bf16 may be used: it must leave the ranking of effects as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import VcfVariants
from bioseq_dl.errors import InputError
from bioseq_dl.io.genome import Genome
from bioseq_dl.io.vcf.chunks import read_chunks
from bioseq_dl.io.vcf.survey import VcfSurvey
from bioseq_dl.variants.ensemble import Ensemble
from bioseq_dl.variants.score import score_chunk

_RECORDS = 1024
_LEAST = 0.99


def check_ranking(
    ensemble: Ensemble,
    survey: VcfSurvey,
    contigs: NDArray[np.int64],
    genome: Genome,
    settings: VcfVariants,
) -> str:
    """Score the file's first records in both precisions and compare the order of effects.

    All parts of a scattered run look at the same records, and so decide alike.

    Returns
    -------
    str
        A note with the worst Spearman correlation among the targets.

    Raises
    ------
    InputError
        Where it is below .99.
    """
    chunk = next(read_chunks(survey, 0, 1), None)
    if chunk is None:
        return "bf16 was not compared with fp32: the VCF has no records."
    few = slice(0, _RECORDS)
    chunk = replace(
        chunk,
        lines=chunk.lines[few],
        chrom=chunk.chrom[few],
        start=chunk.start[few],
        ref=chunk.ref[few],
        alts=chunk.alts[few],
    )
    fast, exact = (
        score_chunk(
            chunk,
            contigs,
            genome,
            replace(ensemble, engines=engines),
            "flip" if settings.mismatch == "flip" else "skip",
            settings.max_unknown_fraction,
            survey.path,
        ).scores.difference
        for engines in (ensemble.engines, ensemble.checks)
    )
    rows = np.flatnonzero(np.isfinite(exact).all(axis=1))
    if len(rows) < 3:
        return f"bf16 was not compared with fp32: {len(rows)} of the first records have scores."
    found = [
        correlate_ranks(fast[rows, place], exact[rows, place]) for place in range(exact.shape[1])
    ]
    worst = int(np.argmin(found))
    if found[worst] < _LEAST:
        raise InputError(
            "bf16 changes the ranking of effects",
            position="key precision",
            found=f"Spearman {found[worst]:.4f} for {ensemble.names[worst]} on {len(rows)} alleles",
            allowed=f"{_LEAST} or more",
            fix="use precision fp32",
        )
    return (
        f"bf16 keeps the ranking of effects: Spearman {found[worst]:.4f} or more with fp32 "
        f"on {len(rows)} alleles."
    )


def correlate_ranks(one: NDArray[np.float32], two: NDArray[np.float32]) -> float:
    """Give Spearman's rank correlation; ties share their mean rank. 1 where nothing varies."""
    ranks = _rank(one), _rank(two)
    if any(rank.min() == rank.max() for rank in ranks):
        return 1.0 if all(rank.min() == rank.max() for rank in ranks) else 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def _rank(values: NDArray[np.float32]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], np.float64)
