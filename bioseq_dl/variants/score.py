"""Windows to scores: models, placements and seeds put together."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.io.genome import Genome
from bioseq_dl.io.vcf.chunks import Chunk
from bioseq_dl.variants.alleles import FLIPPED, list_alleles
from bioseq_dl.variants.ensemble import Ensemble, scale_outputs
from bioseq_dl.variants.reference import place_alleles
from bioseq_dl.variants.scored import ScoredChunk, Scores
from bioseq_dl.variants.windows import UNCHANGED, Windows, cut_windows

_GROUP_LETTERS = 1 << 25
"""Letters of reference windows in memory at a time."""
_FEWEST = 64


def score_chunk(
    chunk: Chunk,
    contigs: NDArray[np.int64],
    genome: Genome,
    ensemble: Ensemble,
    mismatch: Literal["strict", "skip", "flip"],
    max_unknown_fraction: float,
    path: str | Path,
) -> ScoredChunk:
    """Score every allele of a chunk.

    Parameters
    ----------
    chunk : Chunk
    contigs : ndarray of int64
        Place in ``genome.contigs`` of each contig of the survey, -1 where it is not there.
    genome : Genome
    ensemble : Ensemble
    mismatch : str
        ``strict``, ``skip`` or ``flip``.
    max_unknown_fraction : float
        Largest share of unknown bases in a window.
    path : path
        The VCF, for errors.

    Raises
    ------
    InputError
        With ``strict``, at the first REF that is not what the genome holds.
    """
    alleles = list_alleles(chunk)
    placed = place_alleles(chunk, alleles, contigs, genome, mismatch, path)
    scores = empty_scores(len(alleles), ensemble)
    step = max(_FEWEST, _GROUP_LETTERS // ensemble.length)
    for first in range(0, len(alleles), step):
        rows = np.arange(first, min(first + step, len(alleles)))
        windows = cut_windows(alleles, placed, rows, genome, ensemble.length, max_unknown_fraction)
        if windows.allele.size:
            reference, alternative = score_windows(ensemble, windows)
            flipped = placed.status[windows.allele] == FLIPPED
            one, other = reference[:, flipped], alternative[:, flipped]
            reference[:, flipped], alternative[:, flipped] = other, one
            fill_scores(scores, windows.allele, reference, alternative)
    return ScoredChunk(chunk, alleles, placed.status, scores)


def empty_scores(count: int, ensemble: Ensemble) -> Scores:
    """Make scores of so many rows, none of which has any yet."""
    columns = [np.full((count, len(ensemble.names)), np.nan, np.float32) for _ in range(4)]
    spread = columns[3] if len(ensemble.engines) > 1 else None
    return Scores(columns[0], columns[1], columns[2], spread)


def fill_scores(
    scores: Scores,
    rows: NDArray[np.int64],
    reference: NDArray[np.float32],
    alternative: NDArray[np.float32],
) -> None:
    """Put the models' scores, (models, rows, names) each, together and into their rows."""
    change = alternative - reference
    scores.reference[rows] = reference.mean(axis=0)
    scores.alternative[rows] = alternative.mean(axis=0)
    scores.difference[rows] = change.mean(axis=0)
    if scores.spread is not None:
        scores.spread[rows] = change.std(axis=0, ddof=1)


def score_windows(
    ensemble: Ensemble, windows: Windows
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Score windows with each model.

    Returns
    -------
    reference, alternative : float32 (models, alleles, names)
        Of the genome's windows, and of what the alleles make of them: the mean of both
        placements, each on the scale that is written.
    """
    mutants = windows.mutants
    shape = (len(ensemble.engines), len(windows.allele), len(ensemble.names))
    reference, alternative = np.empty(shape, np.float32), np.empty(shape, np.float32)
    unchanged = windows.left == UNCHANGED, windows.right == UNCHANGED
    for place, engine in enumerate(ensemble.engines):
        ones, others = engine.score_changes(
            windows.codes, mutants.rows, mutants.starts, mutants.ends, mutants.letters
        )
        ones, others = scale_outputs(ensemble, ones), scale_outputs(ensemble, others)
        reference[place] = ones[windows.window]
        if not len(others):
            alternative[place] = reference[place]
            continue
        sides = []
        for side, same in zip((windows.left, windows.right), unchanged, strict=True):
            side_scores = others[side]
            side_scores[same] = reference[place, same]
            sides.append(side_scores)
        alternative[place] = (sides[0] + sides[1]) / 2
    return reference, alternative
