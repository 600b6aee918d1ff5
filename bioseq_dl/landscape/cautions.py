"""What must be said of a landscape before anybody trusts it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.encode.alphabet import Codes
from bioseq_dl.landscape.conformal import Conformal


def list_cautions(
    conformal: Conformal, learnt: Codes, wild_type: Codes, designs: Codes | None
) -> list[str]:
    """Give sentences on what intervals and designs do not promise; none where nothing is wrong.

    Parameters
    ----------
    conformal : Conformal
        Sets the intervals.
    learnt : ndarray of uint8 (n, length)
        Variants of train with a measured value.
    wild_type : ndarray of uint8 (length,)
    designs : ndarray of uint8 (m, length) or None
        None where none were asked for.
    """
    cautions = []
    if math.isfinite(conformal.factor):
        cautions.append(
            "Intervals promise their share only of variants drawn as those of validation were"
            + ("." if designs is None else "; a design is chosen for being extreme, and is not.")
        )
    if designs is None or not len(designs) or not len(learnt):
        return cautions
    most = int(_count_mutations(learnt, wild_type).max())
    beyond = int((_count_mutations(designs, wild_type) > most).sum())
    if beyond:
        cautions.append(
            f"{beyond:,} of {len(designs):,} designs have more mutations than any variant of train "
            f"({most:,} at most): nothing measured tells whether effects still add up there."
        )
    return cautions


def _count_mutations(codes: Codes, wild_type: Codes) -> NDArray[np.int64]:
    """Count the places that differ from the wild type, (n,)."""
    counts: NDArray[np.int64] = (codes != wild_type).sum(axis=1)
    return counts
