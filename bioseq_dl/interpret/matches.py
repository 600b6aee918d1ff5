"""Which known motifs a motif is like (Tomtom)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import false_discovery_control

from bioseq_dl.interpret.database import KnownMotif, MotifDatabase
from bioseq_dl.interpret.motif import Motif


@dataclass(frozen=True, eq=False)
class Match:
    """A known motif beside one of ours."""

    known: KnownMotif
    """The known motif."""
    p: float
    """Chance that a motif of random columns fits as well, at any offset and strand."""
    q: float
    """Least false discovery rate at which it is a match, over the database."""
    offset: int
    """Where our first column stands in the known motif, turned as `strand` says; negative
    where ours begins before it."""
    overlap: int
    """Columns that both have."""
    strand: str
    """``-`` where the known motif is to be read on its other strand."""


def match_motifs(
    motifs: Sequence[Motif], database: MotifDatabase, top: int, threads: int = 1
) -> list[tuple[Match, ...]]:
    """Compare motifs with a database by Tomtom, in memelite's implementation.

    Tomtom (Gupta et al. 2007, Genome Biol 8:R24; complete scores, Tanaka et al. 2011,
    Bioinformatics 27:1603): the Euclidean distance between columns, the chance of the best
    sum over offsets and strands from columns of the database. q-values are those of Benjamini
    and Hochberg (1995), over the database, one motif at a time, as MEME's Tomtom has it: with
    hundreds of filters some matches at q < 0.05 come by chance.

    The first call on a machine compiles for about 40 s; what is compiled is kept by numba.

    Parameters
    ----------
    motifs : sequence of Motif
        Ours.
    database : MotifDatabase
        Known ones.
    top : int
        Matches given for each motif, whatever their q.
    threads : int
        Of numba.

    Returns
    -------
    list of tuple of Match
        For each motif its matches, best first; ties by id.
    """
    if not motifs or not database.motifs:
        return [() for _ in motifs]
    from memelite import tomtom

    with warnings.catch_warnings():
        # That there are few known motifs, the database's own notes say.
        warnings.filterwarnings("ignore", message="tomtom was given", category=UserWarning)
        found = tomtom(
            [np.ascontiguousarray(motif.pwm.T) for motif in motifs],
            [np.ascontiguousarray(known.pwm.T) for known in database.motifs],
            n_jobs=threads,
        )
    chances = np.clip(found[0], 0.0, 1.0)
    offsets, overlaps, strands = (part.astype(np.int64) for part in found[2:5])
    rates = false_discovery_control(chances, axis=1)
    ids = np.array([known.id for known in database.motifs])
    result = []
    for row in range(len(motifs)):
        order = np.lexsort((ids, chances[row]))[:top]
        result.append(
            tuple(
                Match(
                    known=database.motifs[place],
                    p=float(chances[row, place]),
                    q=float(rates[row, place]),
                    offset=int(offsets[row, place]),
                    overlap=int(overlaps[row, place]),
                    strand="-" if strands[row, place] else "+",
                )
                for place in order.tolist()
            )
        )
    return result
