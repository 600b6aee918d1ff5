"""Scores of a chunk's alleles, between the models and the files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.io.vcf.chunks import Chunk
from bioseq_dl.variants.alleles import FLIPPED, SCORED, Alleles


@dataclass(frozen=True, eq=False)
class Scores:
    """Of reference and alternative sequences, the mean over models.

    Parameters
    ----------
    reference, alternative, difference : ndarray of float32 (n, names)
        NaN where there is no score. The difference is the mean of each model's.
    spread : ndarray of float32 (n, names), optional
        Sample standard deviation of the difference over models; None with one model.
    """

    reference: NDArray[np.float32]
    alternative: NDArray[np.float32]
    difference: NDArray[np.float32]
    spread: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class ScoredChunk:
    """A chunk with everything that is written of it.

    Parameters
    ----------
    chunk : Chunk
    alleles : Alleles
        The ``n`` rows of the others.
    status : ndarray of int8 (n,)
        Place in ``alleles.STATUSES``.
    scores : Scores
    """

    chunk: Chunk
    alleles: Alleles
    status: NDArray[np.int8]
    scores: Scores

    @property
    def has_score(self) -> NDArray[np.bool_]:
        """Which alleles have scores: bool (n,)."""
        return np.isin(self.status, (SCORED, FLIPPED))
